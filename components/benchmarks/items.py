"""From rows to what a model sees: a prompt for each question, and of a choice task its continuations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.benchmarks.rows import Row
from components.benchmarks.setup import Setup
from components.contracts import PipelineError
from components.contracts.records import CHOICE_LETTERS
from components.params import SourceParams
from components.problems.sources.columns import read_columns


@dataclass(frozen=True)
class Item:
    """One question in one language."""

    problem_id: str
    lang: str
    question: str
    choices: tuple[str, ...]
    """Texts; empty where the answer is a number."""
    answer: str | None
    """Gold: a canonical number, or a letter; None where unknown."""
    prompt: str
    continuations: tuple[str, ...] = ()
    """Of a choice task, one a choice."""


def make_items(setup: Setup, lang: str, rows: Sequence[Row], shots: Sequence[Row], source: str) -> list[Item]:
    """Items in the rows' order.

    Raises:
        PipelineError: A row breaks a rule of `problems.sources.columns`, or lacks a column of the prompt.
    """
    words = setup.words(lang)
    columns = setup.columns.model_copy(update={"lang": None})
    params = SourceParams(format="table", path=f"{source} [{lang}]", lang=lang, columns=columns)
    problems = read_columns(params, enumerate(rows), setup.name)
    items = []
    for problem in problems:
        text = problem.texts[lang]
        row = rows[text.row]
        try:
            own = [shot for shot in shots if setup.group is None or shot[setup.group] == row[setup.group]]
            examples = [_filled(setup.shot, setup, shot, words) for shot in own[: setup.num_shots]]
            prompt = setup.between.join([*examples, _filled(setup.prompt, setup, row, words)])
        except KeyError as error:
            raise PipelineError(f"{params.path}: row {text.row} (from 0): no column or word {error}") from None
        continuations = tuple(
            setup.continuation.format(letter=letter, choice=choice, small=choice[:1].lower() + choice[1:])
            for letter, choice in zip(CHOICE_LETTERS, text.choices, strict=False)
            if setup.continuation
        )
        items.append(Item(problem.key, lang, text.question, text.choices, problem.answer, prompt, continuations))
    return items


def _filled(template: str, setup: Setup, row: Row, words: Mapping[str, str]) -> str:
    """The template with the row's columns, the language's words, and what is made of them."""
    question = str(row[setup.columns.question]).strip()
    choices = [row[name] for name in setup.columns.choices or () if row[name] is not None]
    made: dict[str, Any] = {
        "question": question,
        "stem": question[:-1],
        "lettered": "".join(f"{letter}. {text}\n" for letter, text in zip(CHOICE_LETTERS, choices, strict=False)),
    }
    if setup.connector:
        made["connector"] = words[row[setup.connector]]
    if setup.working and row.get(setup.working):
        made["working"] = _working(str(row[setup.working]), words)
    return template.format_map({**row, **words, **made})


def _working(text: str, words: Mapping[str, str]) -> str:
    """Without its label, or with the prompt's in its place."""
    bare = text[int(words.get("cut", 0)) :]
    return bare.replace(words["working_label"], words["answer_label"]) if "working_label" in words else bare
