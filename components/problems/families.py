"""Families of problems: one YAML file each, with numbers, steps and the wording in every language."""

import random
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import product
from math import prod
from pathlib import Path
from string import Formatter
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from components.contracts import PipelineError, first_problem
from components.lang import languages
from components.problems.shown import FIXED

FAMILIES_FOLDER = Path(__file__).with_name("families")
SMALLEST, LARGEST = 2, 9999  # of every number: 1 would need singular wording in most languages
MAX_DECIMALS = 2
MAX_DRAWS = 20_000

_FORMULA = re.compile(r"(\w+) ([-+*/]|//) (\w+)")

Exact = Annotated[Decimal, BeforeValidator(str)]
"""From YAML: through text, so that 0.1 is a tenth."""
Range = tuple[Exact, Exact] | tuple[Exact, Exact, Exact]
Numbers = dict[str, Decimal]


class Wording(BaseModel):
    """A family's text in one language, with `{placeholders}` for the name and the numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    forms: dict[str, dict[str, str]] = {}
    """Words that agree with a number: their form by CLDR plural category."""
    question: str
    working: str
    """The worked steps, one line; the language's answer sentence follows it."""

    def placeholders(self) -> list[tuple[str, str]]:
        """(number or `name`, format) of every placeholder of question and working."""
        parts = [*Formatter().parse(self.question), *Formatter().parse(self.working)]
        return [(field, spec or "") for _, field, spec, _ in parts if field is not None]


class Family(BaseModel):
    """One family, as in its file; `families/change-add.yaml` explains the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    path: Path
    unseen: bool
    shot: int | None = Field(default=None, ge=1)
    """Turn among the worked examples; families without one follow, by name."""
    numbers: dict[str, Range | str]
    steps: dict[str, str] = Field(min_length=1)
    text: dict[str, Wording]

    @model_validator(mode="after")
    def _names_are_known(self) -> "Family":
        known = {"name", *self._check_formulas()}
        for lang, wording in self.text.items():
            fields, formats = map(set, zip(*wording.placeholders(), strict=True))
            if unknown := fields - known:
                raise ValueError(f"text.{lang} has unknown placeholders: {', '.join(sorted(unknown))}")
            if unknown := formats - {"", FIXED, *wording.forms}:
                raise ValueError(f"text.{lang} has no forms: {', '.join(sorted(unknown))}")
        return self

    @model_validator(mode="after")
    def _unseen_is_no_shot(self) -> "Family":
        if self.unseen and self.shot is not None:
            raise ValueError("an unseen family is never a worked example; remove `shot`")
        return self

    @model_validator(mode="after")
    def _draws_are_few(self) -> "Family":
        sizes = {name: len(values) for name, values in self._ranges().items()}
        if empty := [name for name, size in sizes.items() if size == 0]:
            raise ValueError(f"numbers.{empty[0]} is an empty range")
        if prod(sizes.values()) > MAX_DRAWS:
            raise ValueError(f"numbers give {prod(sizes.values())} draws; narrow the ranges to {MAX_DRAWS} in all")
        return self

    @property
    def answer_key(self) -> str:
        """Name of the number that is the answer: the last step's."""
        return list(self.steps)[-1]

    def wording(self, lang: str) -> Wording:
        """The text in a language.

        Raises:
            PipelineError: The family has none in that language.
        """
        try:
            return self.text[lang]
        except KeyError:
            raise PipelineError(
                f"{self.path}: no text in language `{lang}`; add `text.{lang}` there, "
                f"or `problems.{self.name}` to the language's file"
            ) from None

    def instances(self, seed: int) -> list[Numbers]:
        """All valid draws of numbers, each once, shuffled by the seed."""
        draws = list(self._draws)
        random.Random(f"{seed}/{self.name}").shuffle(draws)  # noqa: S311 - reproducible, not secret
        return draws

    def _ranges(self) -> dict[str, list[Decimal]]:
        return {name: _values(bounds) for name, bounds in self.numbers.items() if not isinstance(bounds, str)}

    def _formulas(self) -> dict[str, str]:
        return {name: value for name, value in self.numbers.items() if isinstance(value, str)} | self.steps

    def _check_formulas(self) -> set[str]:
        """Names of all numbers, after checking that each formula uses ranges and earlier ones only."""
        known = {name for name, value in self.numbers.items() if not isinstance(value, str)}
        for name, formula in self._formulas().items():
            match = _FORMULA.fullmatch(formula)
            if match is None or not all(term in known or term.isdecimal() for term in match.group(1, 3)):
                raise ValueError(f"`{name}: {formula}` must be `left + right` (or - * / //) of earlier numbers")
            known.add(name)
        return known

    @cached_property
    def _draws(self) -> list[Numbers]:
        return list(self._enumerate())

    def _enumerate(self) -> Iterator[Numbers]:
        ranges = self._ranges()
        formulas = [(name, *_terms(formula)) for name, formula in self._formulas().items()]
        for drawn in product(*ranges.values()):
            values = dict(zip(ranges, drawn, strict=True))
            for name, left, sign, right in formulas:
                a, b = (values[term] if term in values else Decimal(term) for term in (left, right))
                value = _calculate(a, sign, b)
                if value is None:
                    break
                values[name] = value
            else:
                if all(SMALLEST <= value <= LARGEST for value in drawn):
                    yield values


def load_families(folder: Path = FAMILIES_FOLDER) -> list[Family]:
    """All families of a folder, by name, with the texts that languages' own files add.

    Raises:
        PipelineError: A file is no YAML or breaks the format; the file and the key are named.
    """
    return [_load_family(path) for path in sorted(folder.glob("*.yaml"))]


def written_languages(families: Sequence[Family]) -> list[str]:
    """The languages of the table that every family has a text in; answers are read in more."""
    return [code for code in languages() if all(code in family.text for family in families)]


def _load_family(path: Path) -> Family:
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        added = {code: row.problems[path.stem] for code, row in languages().items() if path.stem in row.problems}
        if twice := sorted(added.keys() & raw.get("text", {}).keys()):
            raise PipelineError(f"{path}: `text.{twice[0]}` is also in the language's own file; remove one")
        raw["text"] = raw.get("text", {}) | added
        return Family.model_validate({**raw, "name": path.stem, "path": path})
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, AttributeError) as error:
        raise PipelineError(f"{path}: not readable as a family: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise PipelineError(f"{path}: {first_problem(error)}") from None


def _values(bounds: Range) -> list[Decimal]:
    """All values of an inclusive range, in steps of 1 or of its third part."""
    low, high, step = bounds if len(bounds) == 3 else (*bounds, Decimal(1))
    if step <= 0:
        return []
    return [low + step * i for i in range(int((high - low) // step) + 1)]


def _terms(formula: str) -> tuple[str, str, str]:
    left, sign, right = formula.split()
    return left, sign, right


def _calculate(a: Decimal, sign: str, b: Decimal) -> Decimal | None:
    """`a sign b`; None where it is out of bounds or has too many decimals, or any after `//`."""
    if sign in ("/", "//") and b == 0:
        return None
    value = a + b if sign == "+" else a - b if sign == "-" else a * b if sign == "*" else a / b
    decimals = 0 if sign == "//" else MAX_DECIMALS
    return value if SMALLEST <= value <= LARGEST and value == round(value, decimals) else None
