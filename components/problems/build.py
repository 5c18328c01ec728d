"""Building the splits: distinct instances of each family, asked in every language.

The same seed gives the same questions on any machine. Splits are filled from each family's shuffled instances in
`_FILL_ORDER`, so that asking for more training problems leaves the test problems as they were.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from math import inf

from components.contracts import PipelineError, Question
from components.contracts.records import Split
from components.lang import language
from components.params import BaseParams, ProblemsParams
from components.problems.families import NAMES_PATH, Family, load_families, load_names

SPLITS: tuple[Split, ...] = ("shots", "train", "calibration", "validation", "test")
_FILL_ORDER: tuple[Split, ...] = ("shots", "test", "validation", "calibration", "train")


@dataclass(frozen=True, slots=True)
class Problem:
    """One instance of a family."""

    family: Family
    index: int
    """Place among the family's shuffled instances; part of the id."""
    numbers: dict[str, int]


def build_questions(params: ProblemsParams, base: BaseParams) -> list[Question]:
    """All questions, ordered by split, then problem, then language (in the order of `base.languages`).

    Families take turns within a split, in the order of their files' `shot` and then by name; unseen ones only do in
    `test`, after the others. No problem occurs in two splits.

    Raises:
        PipelineError: A language has no text, or a split asks for more problems than the families have.
    """
    families = load_families()
    problems = _fill_splits(params, families, base.seed)
    return [ask(problem, split, lang) for split in SPLITS for problem in problems[split] for lang in base.languages]


def draw_problems(family: Family, seed: int) -> Iterator[Problem]:
    """A family's problems in the seed's order, each numbers once."""
    return (Problem(family, index, numbers) for index, numbers in enumerate(family.instances(seed)))


def ask(problem: Problem, split: Split, lang: str) -> Question:
    """The problem's question in a language; with its worked solution where the split is `shots`.

    Raises:
        PipelineError: The family, the names or the table have nothing in that language.
    """
    family = problem.family
    wording = family.wording(lang)
    answer = str(problem.numbers[family.answer_key])
    values = {**problem.numbers, "name": _name(problem.index, lang)}
    return Question(
        problem_id=f"{family.name}-{problem.index:04d}",
        lang=lang,
        split=split,
        family=family.name,
        num_steps=len(family.steps),
        unseen_family=family.unseen,
        question=wording.question.format(**values),
        answer=answer,
        solution=_solution(wording.working.format(**values), answer, lang) if split == "shots" else None,
    )


def _fill_splits(params: ProblemsParams, families: list[Family], seed: int) -> dict[Split, list[Problem]]:
    pools = {family.name: draw_problems(family, seed) for family in families}
    seen = sorted((family for family in families if not family.unseen), key=_turn)
    unseen = [family for family in families if family.unseen]
    filled: dict[Split, list[Problem]] = {}
    for split in _FILL_ORDER:
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


def _name(index: int, lang: str) -> str:
    try:
        names = load_names()[lang]
    except KeyError:
        raise PipelineError(f"{NAMES_PATH}: no names for language `{lang}`; add a list of them there") from None
    return names[index % len(names)]


def _solution(working: str, answer: str, lang: str) -> str:
    row = language(lang)
    return working + row.sentence_gap + row.answer_sentence.format(answer=answer)
