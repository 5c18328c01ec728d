"""All questions of all splits: built-in ones and those of outside sources."""

from collections import Counter
from dataclasses import dataclass

from components.contracts import PipelineError, Question
from components.contracts.records import Split
from components.journal import Journal
from components.params import BaseParams, ProblemsParams
from components.problems.build import SOLVED, SPLITS, build_questions
from components.problems.complete import Completer, told
from components.problems.contamination import check_contamination
from components.problems.deal import Dealt, deal_sources
from components.translation import load_translator


@dataclass(frozen=True)
class Assembled:
    """The questions, and what a person should be told about them."""

    questions: list[Question]
    """Ordered by split, then problem, then language."""
    dropped: dict[Split, Counter[str]]
    """By split: what was left out because its translation failed, by language and reason."""
    notes: list[str]
    """Lines to print."""


def assemble(params: ProblemsParams, base: BaseParams, journal: Journal) -> Assembled:
    """Build or read every split, translate what is missing, and check that no split stands in another.

    Args:
        journal: Keeps finished translations.

    Raises:
        PipelineError: A source is unreadable or too small, a language is missing and nothing translates into it, or two
            splits share questions.
    """
    built, dealt = build_questions(params, base), deal_sources(params, base.seed)
    found = _in_order(built + _questions(dealt, base))
    _check_ids(found)
    check_contamination(found)  # before anything is translated: that takes long, and adds no problem
    completed = Completer(params.translator, load_translator, base.languages, journal).complete(dealt)
    questions = _in_order(built + _questions(completed.problems, base))
    notes = told(completed.dropped)
    if completed.untaught:
        notes.append(f"shots: no worked examples in {', '.join(completed.untaught)}; they are asked without any")
    return Assembled(_with_unseen_families(questions), completed.dropped, notes)


def _in_order(questions: list[Question]) -> list[Question]:
    """By split; within it, problems and languages stay as they are."""
    return sorted(questions, key=lambda question: SPLITS.index(question.split))


def _questions(problems: dict[Split, list[Dealt]], base: BaseParams) -> list[Question]:
    """In the languages that there are texts in; `pivot_shots` in English only."""
    return [
        _question(one, split, lang)
        for split, dealt in problems.items()
        for one in dealt
        for lang in (["en"] if split == "pivot_shots" else base.languages)
        if lang in one.problem.texts
    ]


def _question(one: Dealt, split: Split, lang: str) -> Question:
    problem, text = one.problem, one.problem.texts[lang]
    return Question(
        problem_id=one.problem_id,
        lang=lang,
        split=split,
        family=problem.family,
        num_steps=problem.num_steps,
        unseen_family=False,  # settled when all splits are known
        question=text.question,
        choices=text.choices,
        answer=problem.answer,
        solution=text.solution if split in SOLVED else None,
        source=problem.source,
        source_row=text.row,
        translated_by=text.translated_by,
    )


def _with_unseen_families(questions: list[Question]) -> list[Question]:
    seen = {question.family for question in questions if question.split != "test"}
    return [q.model_copy(update={"unseen_family": q.family not in seen}) for q in questions]


def _check_ids(questions: list[Question]) -> None:
    owners: dict[str, tuple[Split, str]] = {}
    for question in questions:
        owner = owners.setdefault(question.problem_id, (question.split, question.source))
        if owner != (question.split, question.source):
            raise PipelineError(
                f"problem `{question.problem_id}` is in {owner[0]} from {owner[1]} and in {question.split} from "
                f"{question.source}; rename one of the two files"
            )
