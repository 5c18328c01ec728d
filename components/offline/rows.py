"""Other people's references and rollouts: what a row must have, and how they come together.

References: `{"problem_id", "text", "answer"}`; `answer` may be null or missing and is then read from the text where
that states one. Several rows of one problem are samples of the pivot, which vote. Rollouts: `{"id", "problem_id",
"lang", "text"}`, and maybe `"question"`, `"choices"`, `"gold"` and `"correct"`. Whatever else a row has is left alone.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from components.answers.verdict import canonical_gold, same_places
from components.contracts import ContractError, read_records
from components.contracts.records import CHOICE_LETTERS
from components.reward.functions import stated_answer

_ADVICE = "give a JSONL file"


class ReferenceRow(BaseModel):
    """One English response of the pivot."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    problem_id: str | int
    text: str = Field(min_length=1)
    answer: str | int | float | None = None
    choices: tuple[str, ...] | None = Field(default=None, max_length=10)
    """Of the question; where they are missing, those of the problem's rollouts (`with_choices`)."""


class RolloutRow(BaseModel):
    """One response to be judged."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str | int
    problem_id: str | int
    lang: str = Field(min_length=2)
    text: str
    question: str | None = None
    choices: tuple[str, ...] | None = Field(default=None, max_length=10)
    gold: str | int | float | None = None
    """The human answer, for the reward `gold`."""
    correct: bool | None = None
    """A label, where somebody knows one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a problem's responses are compared with."""

    text: str
    answer: str | None
    """None where no sample states an answer that can be checked."""


def read_references(path: Path) -> dict[str | int, list[ReferenceRow]]:
    """By problem, in the file's order.

    Raises:
        ContractError: The file is missing or empty, or a row is no such row (file, line and field named).
    """
    rows: defaultdict[str | int, list[ReferenceRow]] = defaultdict(list)
    for row in read_records(path, ReferenceRow, _ADVICE):
        rows[row.problem_id].append(row)
    if not rows:
        raise ContractError(f"{path}: no references; {_ADVICE} of rows with `problem_id` and `text`")
    return dict(rows)


def read_rollouts(path: Path) -> list[RolloutRow]:
    """In the file's order.

    Raises:
        ContractError: As `read_references`; or an id occurs twice.
    """
    rows = read_records(path, RolloutRow, _ADVICE)
    if not rows:
        raise ContractError(f"{path}: no rollouts; {_ADVICE} of rows with `id`, `problem_id`, `lang` and `text`")
    twice = [key for key, count in Counter(row.id for row in rows).items() if count > 1]
    if twice:
        raise ContractError(
            f"{path}: {len(twice)} ids occur more than once, the first is {twice[0]!r}; make them unique"
        )
    return rows


def with_choices(
    samples: Mapping[str | int, Sequence[ReferenceRow]], rollouts: Sequence[RolloutRow]
) -> dict[str | int, list[ReferenceRow]]:
    """The references with the choices that their problem's rollouts name: without them `(B) 1948` reads as a number."""
    offered = {row.problem_id: row.choices for row in rollouts if row.choices}
    return {
        problem: [row if row.choices else row.model_copy(update={"choices": offered.get(problem)}) for row in own]
        for problem, own in samples.items()
    }


def choose(samples: Sequence[ReferenceRow]) -> Chosen:
    """The reference of a problem: of the samples with the most frequent answer, the first.

    Samples without an answer do not vote; where none has one, the first sample is the reference.
    """
    answers = [_answer(sample) for sample in samples]
    winner = winning(answers)
    return Chosen(samples[answers.index(winner)].text, winner)


def winning(answers: Sequence[str | None]) -> str | None:
    """The most frequent answer, the first of equally frequent ones; None where there is none."""
    groups = same_places(answers)
    return answers[groups[0][0]] if groups else None


def answers_of(samples: Sequence[ReferenceRow]) -> list[str | None]:
    """The answers of samples, given or read from their texts."""
    return [_answer(sample) for sample in samples]


def columns_of(rollouts: Sequence[RolloutRow], chosen: Mapping[str | int, Chosen]) -> dict[str, list[Any]]:
    """The rollouts as TRL's columns; None for what is not known."""
    references = [chosen.get(row.problem_id) for row in rollouts]
    return {
        "completions": [row.text for row in rollouts],
        "lang": [row.lang for row in rollouts],
        "reference_text": [reference and reference.text for reference in references],
        "reference_answer": [reference and reference.answer for reference in references],
        "gold_answer": [_checkable(row.gold) for row in rollouts],
        "question": [row.question for row in rollouts],
        "choices": [row.choices for row in rollouts],
    }


def _answer(sample: ReferenceRow) -> str | None:
    """As given where that can be checked, else as the text states it."""
    given = _checkable(sample.answer)
    return stated_answer(sample.text, sample.choices or ()) if given is None else given


def _checkable(answer: str | float | None) -> str | None:
    """In canonical form; None where it is no number, fraction, time or letter A to J."""
    given = "" if answer is None else str(answer).strip()
    if given in tuple(CHOICE_LETTERS):
        return given
    with suppress(ValueError):
        return canonical_gold(given)
    return None
