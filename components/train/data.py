"""What training reads: questions with a kept English reference, checked before any model loads."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.contracts import PipelineError, Question, Reference, read_records
from components.params import Params
from components.questions import read_questions

PROBLEMS = Path("data/problems")
REFERENCES = Path("data/reference/references.jsonl")

Pairs = list[tuple[Question, Reference]]


@dataclass(frozen=True)
class TrainingData:
    """What each part of training is given.

    `warmup` (English) for the warm-up; of the other problems `rollouts` (trained languages) for RL and `english` for
    `sft` and RAFT (its English lessons and hints); `validation` (trained languages) for the choice of the checkpoint.
    """

    shots: list[Question]
    warmup: Pairs
    english: Pairs
    rollouts: Pairs
    validation: Pairs


def read_training_data(params: Params) -> TrainingData:
    """Read `shots`, `train` and `validation` and keep what has a reference.

    Raises:
        PipelineError: Too little is left for a step of RL, the warm-up or the choice of the checkpoint.
    """
    references = {r.problem_id: r for r in read_records(REFERENCES, Reference) if r.kept}
    seen = _with_reference(read_questions(PROBLEMS / "train.jsonl"), references)
    held_out = _with_reference(read_questions(PROBLEMS / "validation.jsonl"), references)
    trained = set(params.base.trained_languages)
    asked = {"en"} if params.train.english_prompts else trained
    warmup: Pairs = []
    rest = seen
    if params.train.warmup_steps:
        warmup, rest = halves(seen, params.train.warmup_share, params.train.seed)
    given = shuffled({q.problem_id: r for q, r in rest}, params.train.shuffled_references, params.train.seed)
    rollouts = [(q, given[q.problem_id]) for q, _ in rest if q.lang in asked]
    rollouts = by_share(rollouts, params.train.language_shares, params.train.seed)
    if params.train.prompt_order == "easy_first":
        rollouts = easy_first(rollouts, references, params.train.seed)
    data = TrainingData(
        shots=read_questions(PROBLEMS / "shots.jsonl"),
        warmup=[(q, r) for q, r in warmup if q.lang == "en"],
        english=[(q, r) for q, r in rest if q.lang == "en"],
        rollouts=rollouts,
        validation=[(q, r) for q, r in held_out if q.lang in trained],
    )
    _check("English `train` questions for the warm-up", data.warmup, 1 if params.train.warmup_steps else 0)
    where = "English" if params.train.english_prompts else "the trained languages"
    _check(f"`train` questions in {where}", data.rollouts, params.train.prompts_per_step)
    _check("`validation` questions in the trained languages", data.validation, 1)
    return data


def halves(pairs: Pairs, share: float, seed: int) -> tuple[Pairs, Pairs]:
    """What the warm-up learns and what RL is asked: of other problems, since answers learned by heart teach nothing.

    `share` of the problems, drawn by `seed`, go to the warm-up; where that is 1, both get all.
    """
    problems = {q.problem_id for q, _ in pairs}
    order = sorted(problems, key=lambda problem: _draw(f"{seed}/warmup/{problem}"))
    first = set(order[: max(1, round(share * len(order)))])
    warmup = [pair for pair in pairs if pair[0].problem_id in first]
    return warmup, pairs if share == 1 else [pair for pair in pairs if pair[0].problem_id not in first]


def shuffled(references: Mapping[str, Reference], share: float, seed: int) -> dict[str, Reference]:
    """Each problem's reference; a `share` of the problems, drawn by `seed`, exchange theirs: none keeps its own.

    One alone has nobody to exchange with, and keeps it.
    """
    order = sorted(references, key=lambda problem: _draw(f"{seed}/{problem}"))
    drawn = order[: round(share * len(order))]
    return dict(references) | {a: references[b] for a, b in zip(drawn, drawn[1:] + drawn[:1], strict=True)}


def by_share(pairs: Pairs, weights: Mapping[str, float], seed: int) -> Pairs:
    """As many of each language's pairs as its weight says, 1 where there is none; the heaviest language keeps all.

    Which are kept is drawn by `seed`; their order stays.
    """
    heaviest = max([weights.get(q.lang, 1.0) for q, _ in pairs], default=1.0)
    kept: set[tuple[str, str]] = set()
    for lang in {q.lang for q, _ in pairs}:
        own = [q.problem_id for q, _ in pairs if q.lang == lang]
        order = sorted(own, key=lambda problem: _draw(f"{seed}/{lang}/{problem}"))
        count = max(1, round(len(own) * weights.get(lang, 1.0) / heaviest))
        kept |= {(problem, lang) for problem in order[:count]}
    return [(q, reference) for q, reference in pairs if (q.problem_id, q.lang) in kept]


def easy_first(pairs: Pairs, references: Mapping[str, Reference], seed: int) -> Pairs:
    """By how many of the pivot's samples agreed on the problem's own reference; equals in an order drawn by `seed`."""

    def place(pair: tuple[Question, Reference]) -> tuple[float, bytes]:
        question = pair[0]
        return -references[question.problem_id].agreement, _draw(f"{seed}/{question.problem_id}/{question.lang}")

    return sorted(pairs, key=place)


def in_drawn_order(pairs: Pairs, prompt_order: str, seed: int) -> Pairs:
    """In an order drawn by `seed`, unless they are in the order that was asked for."""
    if prompt_order != "shuffled":
        return pairs
    return sorted(pairs, key=lambda pair: _draw(f"{seed}/order/{pair[0].problem_id}/{pair[0].lang}"))


def reward_columns(pairs: Pairs) -> dict[str, list[Any]]:
    """What rewards are given of each pair, beside the response."""
    return {
        "lang": [q.lang for q, _ in pairs],
        "reference_answer": [r.answer for _, r in pairs],
        "reference_text": [r.text for _, r in pairs],
        "gold_answer": [q.answer for q, _ in pairs],  # for the upper bound alone
        "question": [q.question for q, _ in pairs],
        "choices": [list(q.choices) for q, _ in pairs],
    }


def _draw(text: str) -> bytes:
    """The same for the same text everywhere."""
    return hashlib.sha256(text.encode()).digest()


def _with_reference(questions: Sequence[Question], references: Mapping[str, Reference]) -> Pairs:
    return [(q, references[q.problem_id]) for q in questions if q.problem_id in references]


def _check(what: str, pairs: Pairs, least: int) -> None:
    if len(pairs) < least:
        advice = "lower `reference.min_agreement`, add problems or take a stronger pivot"
        raise PipelineError(f"{REFERENCES}: {len(pairs)} {what} have a kept reference, {least} are needed; {advice}")
