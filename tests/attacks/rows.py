"""Honest responses for the tests: fixed ones in all languages of the table, and solutions of built-in problems."""

import json
from functools import cache
from itertools import islice
from pathlib import Path

from components.attacks import Honest
from components.problems.build import ask, draw_problems
from components.problems.families import load_families, written_languages

HERE = Path(__file__).parent


def honest_of(row: dict) -> Honest:
    return Honest(**{**row, "choices": tuple(row["choices"])})


@cache
def fixed() -> list[Honest]:
    """Two problems a language, in native digits where it has any; hand-written where no family is written."""
    lines = (HERE / "honest.jsonl").read_text(encoding="utf-8").splitlines()
    return [honest_of(json.loads(line)) for line in lines]


@cache
def built_in(native_digits: bool = False, num_problems: int = 1) -> list[Honest]:
    """So many problems of every family, in every language that all families are written in."""
    families = load_families()
    problems = [problem for family in families for problem in islice(draw_problems(family, 17), num_problems)]
    rows = []
    for problem in problems:
        reference = ask(problem, "shots", "en").solution
        for lang in written_languages(families):
            asked = ask(problem, "shots", lang, native_digits)
            texts = asked.solution, asked.question, reference
            rows.append(Honest(asked.problem_id, lang, *texts, asked.answer, (), "solution"))
    return rows
