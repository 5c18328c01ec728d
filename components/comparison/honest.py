"""Honest responses for the audit against gaming: worked solutions, and rollouts that are right and in the language.

Where the reference itself has another answer than the gold, no reward that trusts it can tell honest from not: such
problems are left out and counted, and what wrong references cost is for the AUC to show.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from components.answers.reading import read_answer
from components.answers.verdict import grade, same_answer
from components.attacks import Honest
from components.contracts import Question, Reference, ScoredResponse


@dataclass(frozen=True, slots=True)
class HonestResponses:
    """The responses, and what was left out."""

    responses: list[Honest]
    num_wrong_references: int
    """Problems whose reference is wrong."""
    num_misread: int
    """Responses that are right, but are not read as their reference's answer: no attack on them could be judged."""


def honest_responses(
    asked: Iterable[tuple[Question, Reference]], rollouts: Iterable[ScoredResponse]
) -> HonestResponses:
    """Worked solutions of the questions, and rollouts that are right by gold and in the language."""
    known = {(question.problem_id, question.lang): (question, reference) for question, reference in asked}
    right = {key: pair for key, pair in known.items() if grade(pair[1].answer, pair[0].answer)}
    wrong = {question.problem_id for question, _ in known.values() if question.answer is not None}
    wrong -= {problem for problem, _ in right}
    found = [_honest(*pair, pair[0].solution, "solution") for pair in right.values() if pair[0].solution is not None]
    found += [
        _honest(*right[key], row.response, "rollout")
        for row in rollouts
        if row.correct and row.in_language and (key := (row.problem_id, row.lang)) in right
    ]
    # rounding lets 3.33 be right for a gold that the reference has as 10/3
    honest = [one for one in found if is_right(one.text, one.lang, one.reference_answer, one.choices)]
    return HonestResponses(honest, len(wrong), len(found) - len(honest))


def _honest(question: Question, reference: Reference, text: str, origin: Literal["solution", "rollout"]) -> Honest:
    return Honest(
        problem_id=question.problem_id,
        lang=question.lang,
        text=text,
        question=question.question,
        reference_text=reference.text or "",
        reference_answer=reference.answer,
        choices=question.choices,
        origin=origin,
    )


def is_right(text: str, lang: str, answer: str | None, choices: tuple[str, ...]) -> bool:
    """Whether a text reads as the answer."""
    return same_answer(read_answer(text, lang, choices=choices).value, answer)
