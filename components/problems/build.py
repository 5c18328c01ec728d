"""Building the splits: distinct instances of each family, asked in every language.

The same seed gives the same questions on any machine. Splits are filled from each family's shuffled instances in
`_FILL_ORDER`, so that asking for more training problems leaves the test problems as they were.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle, islice
from math import inf

from components.contracts import PipelineError, Question
from components.contracts.records import Split
from components.lang import language
from components.params import BaseParams, ProblemsParams
from components.problems.families import Family, Numbers, load_families
from components.problems.shown import Shown, in_native_digits

SPLITS: tuple[Split, ...] = ("shots", "pivot_shots", "train", "calibration", "validation", "test")
WORKED: tuple[Split, ...] = ("shots", "pivot_shots")
"""Splits whose problems must have worked solutions: they are shown in prompts."""
SOLVED: tuple[Split, ...] = (*WORKED, "calibration")
"""Splits that keep worked solutions where there are any; those of `calibration` are the audit's honest responses."""
_FILL_ORDER: tuple[Split, ...] = ("shots", "test", "validation", "calibration", "pivot_shots", "train")


@dataclass(frozen=True, slots=True)
class Problem:
    """One instance of a family."""

    family: Family
    index: int
    """Place among the family's shuffled instances; part of the id."""
    numbers: Numbers


def build_questions(params: ProblemsParams, base: BaseParams) -> list[Question]:
    """Questions of the splits whose source is `built-in`, ordered by split, then problem, then language.

    Languages are in the order of `base.languages`; `pivot_shots` are in English only. Families take turns within a
    split, in the order of their files' `shot` and then by name; unseen ones only do in `test`, after the others. No
    problem occurs in two splits. Families of more than `params.max_steps` steps are left out.

    Raises:
        PipelineError: A language has no text, or a split asks for more problems than the families have.
    """
    problems = _fill_splits(params, asked_families(params), base.seed)
    return [
        ask(problem, split, lang, params.native_digits)
        for split in SPLITS
        for problem in problems.get(split, [])
        for lang in (["en"] if split == "pivot_shots" else base.languages)
    ]


def asked_families(params: ProblemsParams) -> list[Family]:
    """The families of at most `params.max_steps` steps, by name."""
    return [family for family in load_families() if len(family.steps) <= params.max_steps]


def draw_problems(family: Family, seed: int) -> Iterator[Problem]:
    """A family's problems in the seed's order, each numbers once."""
    return (Problem(family, index, numbers) for index, numbers in enumerate(family.instances(seed)))


def ask(problem: Problem, split: Split, lang: str, native_digits: bool = False) -> Question:
    """The problem's question in a language; with its worked solution where the split's problems have one.

    Args:
        native_digits: Write numbers in the language's own digits, where it has any.

    Raises:
        PipelineError: The family or the table has nothing in that language, or a word lacks a plural form.
    """
    family = problem.family
    row, wording = language(lang), family.wording(lang)
    shown = {name: Shown(value, lang, wording.forms) for name, value in problem.numbers.items()}
    values = {**shown, "name": row.names[problem.index % len(row.names)]}
    try:
        question, working = wording.question.format(**values), wording.working.format(**values)
    except PipelineError as error:
        raise PipelineError(f"{family.path}: `text.{lang}`: {error}; add it") from None
    solution = working + row.sentence_gap + row.answer_sentence.format(answer=shown[family.answer_key])
    if native_digits:
        question, solution = in_native_digits(question, lang), in_native_digits(solution, lang)
    return Question(
        problem_id=f"{family.name}-{problem.index:04d}",
        lang=lang,
        split=split,
        family=family.name,
        num_steps=len(family.steps),
        unseen_family=family.unseen,
        question=question,
        answer=_canonical(problem.numbers[family.answer_key]),
        solution=solution if split in SOLVED else None,
    )


def _fill_splits(params: ProblemsParams, families: list[Family], seed: int) -> dict[Split, list[Problem]]:
    pools = {family.name: draw_problems(family, seed) for family in families}
    seen = sorted((family for family in families if not family.unseen), key=_turn)
    unseen = [family for family in families if family.unseen]
    filled: dict[Split, list[Problem]] = {}
    for split in _FILL_ORDER:
        if getattr(params.sources, split) != "built-in":
            continue
        turns = seen + unseen if split == "test" else seen
        count: int = getattr(params, f"num_{split}")
        filled[split] = [_take(pools[family.name], family, split) for family in islice(cycle(turns), count)]
    return filled


def _take(pool: Iterator[Problem], family: Family, split: Split) -> Problem:
    problem = next(pool, None)
    if problem is None:
        raise PipelineError(
            f"`problems.num_{split}` asks for more distinct problems than {family.path} gives; "
            "lower it, widen the file's `numbers` or add a family"
        )
    return problem


def _turn(family: Family) -> tuple[float, str]:
    """Order of the shots, so that a few of them show both one and two steps and most operations."""
    return (inf if family.shot is None else family.shot, family.name)


def _canonical(value: Decimal) -> str:
    return format(value.normalize(), "f")
