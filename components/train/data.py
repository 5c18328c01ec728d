"""What training reads: questions with a kept English reference, checked before any model loads."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.contracts import PipelineError, Question, Reference, read_records
from components.params import Params
from components.questions import read_questions

PROBLEMS = Path("data/problems")
REFERENCES = Path("data/reference/references.jsonl")

Pairs = list[tuple[Question, Reference]]


@dataclass(frozen=True)
class TrainingData:
    """`english` for the warm-up, `rollouts` (trained languages) for RL, `validation` (the same) for the choice."""

    shots: list[Question]
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
    given = shuffled({q.problem_id: r for q, r in seen}, params.train.shuffled_references, params.base.seed)
    data = TrainingData(
        shots=read_questions(PROBLEMS / "shots.jsonl"),
        english=[(q, r) for q, r in seen if q.lang == "en"],
        rollouts=[(q, given[q.problem_id]) for q, _ in seen if q.lang in asked],
        validation=[(q, r) for q, r in held_out if q.lang in trained],
    )
    _check("English `train` questions", data.english, 1 if params.train.warmup_steps else 0)
    where = "English" if params.train.english_prompts else "the trained languages"
    _check(f"`train` questions in {where}", data.rollouts, params.train.prompts_per_step)
    _check("`validation` questions in the trained languages", data.validation, 1)
    return data


def shuffled(references: Mapping[str, Reference], share: float, seed: int) -> dict[str, Reference]:
    """Each problem's reference; a `share` of the problems, drawn by `seed`, exchange theirs: none keeps its own.

    One alone has nobody to exchange with, and keeps it.
    """
    order = sorted(references, key=lambda problem: hashlib.sha256(f"{seed}/{problem}".encode()).digest())
    drawn = order[: round(share * len(order))]
    return dict(references) | {a: references[b] for a, b in zip(drawn, drawn[1:] + drawn[:1], strict=True)}


def _with_reference(questions: Sequence[Question], references: Mapping[str, Reference]) -> Pairs:
    return [(q, references[q.problem_id]) for q in questions if q.problem_id in references]


def _check(what: str, pairs: Pairs, least: int) -> None:
    if len(pairs) < least:
        advice = "lower `reference.min_agreement`, add problems or take a stronger pivot"
        raise PipelineError(f"{REFERENCES}: {len(pairs)} {what} have a kept reference, {least} are needed; {advice}")
