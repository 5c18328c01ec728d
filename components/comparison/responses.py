"""The policy's own responses, sampled for a comparison or an audit, and their labels."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from components.answers.reading import read_answer
from components.answers.verdict import grade, same_answer
from components.comparison.compare import CALIBRATED, HIDDEN, MEASURED, Compared, Labels
from components.contracts import PipelineError, Question, Reference, ScoredResponse, read_manifest
from components.contracts.records import Record
from components.generation.models import free_models
from components.generation.responder import Responder, seed_piece
from components.generation.sampler import Decoding
from components.journal import Journal
from components.progress import track
from components.questions import read_questions
from components.stage import StageRun

SHOTS = Path("data/problems/shots.jsonl")


class Sampled(Record):
    """One response of the policy."""

    problem_id: str
    lang: str
    sample: int = Field(ge=0)
    text: str
    truncated: bool


_COLUMNS = (*MEASURED, "translation", "comet", "hybrid", HIDDEN)

Asked = Sequence[tuple[Question, Reference]]
"""Questions, each with its reference."""


def pick(questions: Sequence[Question], references: Mapping[str, Reference], num_problems: int, split: str) -> Asked:
    """Questions of the first `num_problems` problems of a split that have a kept reference.

    Raises:
        PipelineError: None has one.
    """
    known = {key: reference for key, reference in references.items() if reference.kept}
    ids = [i for i in dict.fromkeys(q.problem_id for q in questions) if i in known][:num_problems]
    if not ids:
        raise PipelineError(
            f"data/reference/references.jsonl: no {split} problem has a kept reference; lower "
            f"`reference.min_agreement`, raise `reference.num_samples` or `problems.num_{split}`, or name a stronger "
            "pivot"
        )
    return [(q, known[q.problem_id]) for q in questions if q.problem_id in ids]


def sample_policy(run: StageRun, asked: Asked, num_samples: int, adapter: Path | None = None) -> list[Sampled]:
    """`num_samples` responses to each question, languages in turn, a batch at a time, each kept as soon as it is done.

    Args:
        run: Its params say which languages and how to sample.
        adapter: Of the trained policy; None for the base one.
    """
    found = _sampled(run, asked, num_samples, adapter)
    free_models()  # scoring may load others
    return found


def _sampled(run: StageRun, asked: Asked, num_samples: int, adapter: Path | None) -> list[Sampled]:
    params, manifest = run.params, read_manifest()
    shots = read_questions(SHOTS)
    responder = Responder.load(manifest.policy, params.models.dtype, shots, params.sampling.batch_size, adapter)
    decoding = Decoding(params.sampling.max_new_tokens, params.sampling.temperature, params.sampling.top_k)
    journal = Journal(run.name, run.fingerprint())
    run.when_done(journal.close)
    questions = sorted((q for q, _ in asked), key=lambda question: params.base.languages.index(question.lang))
    size = max(1, params.sampling.batch_size // num_samples)
    found: list[Sampled] = []
    for start in track(range(0, len(questions), size), run.name):
        key, piece = f"{start:06d}", questions[start : start + size]
        respond = partial(_respond, piece, responder, decoding, num_samples, params.base.seed, f"{run.name}/{key}")
        found += journal.piece(key, Sampled, respond)
    return found


def _respond(
    questions: Sequence[Question],
    responder: Responder,
    decoding: Decoding,
    num_samples: int,
    seed: int,
    key: str,
) -> list[Sampled]:
    """The same for the same seed and key."""
    seed_piece(seed, key)
    groups = responder.respond([(question.asked, question.lang) for question in questions], decoding, num_samples)
    return [
        Sampled(problem_id=question.problem_id, lang=question.lang, sample=i, text=one.text, truncated=one.truncated)
        for question, group in zip(questions, groups, strict=True)
        for i, one in enumerate(group)
    ]


def columns_and_labels(asked: Asked, sampled: Sequence[Sampled]) -> tuple[dict[str, Sequence[Any]], Labels]:
    """TRL's columns of the responses, and whether each agrees with half B's vote and with the English gold."""
    by_key = {(question.problem_id, question.lang): (question, reference) for question, reference in asked}
    pairs = [by_key[row.problem_id, row.lang] for row in sampled]
    columns: dict[str, Sequence[Any]] = {
        "completions": [row.text for row in sampled],
        "lang": [row.lang for row in sampled],
        "reference_text": [reference.text for _, reference in pairs],
        "reference_answer": [reference.answer for _, reference in pairs],
        "question": [question.question for question, _ in pairs],
        "choices": [question.choices for question, _ in pairs],
    }
    reads = [
        read_answer(row.text, row.lang, choices=q.choices).value for row, (q, _) in zip(sampled, pairs, strict=True)
    ]
    votes = [None if r.label is None else same_answer(read, r.label) for read, (_, r) in zip(reads, pairs, strict=True)]
    gold = [grade(read, question.answer) for read, (question, _) in zip(reads, pairs, strict=True)]
    return columns, {"half B vote": votes, "gold": gold}


def scored_responses(
    asked: Asked, sampled: Sequence[Sampled], compared: Compared, labels: Labels
) -> list[ScoredResponse]:
    """The rows of the table that a stage keeps."""
    choices = {(question.problem_id, question.lang): question.choices for question, _ in asked}
    fitted = compared.probabilities.get(CALIBRATED)
    found = []
    for i, (row, scored) in enumerate(zip(sampled, compared.rows, strict=True)):
        read = read_answer(row.text, row.lang, choices=choices[row.problem_id, row.lang])
        probability = None if fitted is None else float(fitted[i])
        found.append(
            ScoredResponse(
                problem_id=row.problem_id,
                lang=row.lang,
                sample=row.sample,
                response=row.text,
                truncated=row.truncated,
                answer_read=read.value,
                answer_path=read.path,
                correct=labels["gold"][i],
                agrees_with_half_b=labels["half B vote"][i],
                in_language=scored.in_language,
                **{name: scored.terms.get(name) for name in _COLUMNS},
                calibrated=None if probability is None or probability != probability else probability,
                unscored_reason="no reference to compare with" if scored.terms[HIDDEN] is None else None,
            )
        )
    return found
