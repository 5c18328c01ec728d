"""Families of problems: one YAML file each, with numbers, steps and the wording in every language."""

import operator
import random
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.contracts import PipelineError

FAMILIES_FOLDER = Path(__file__).with_name("families")
NAMES_PATH = Path(__file__).with_name("names.yaml")
SMALLEST, LARGEST = 2, 199  # of every number that a problem shows: 1 would need singular wording

_FORMULA = re.compile(r"(\w+) [-+*/] (\w+)")
_OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


class Wording(BaseModel):
    """A family's text in one language, with `{placeholders}` for the name and the numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    working: str
    """The worked steps, one line; the language's answer sentence follows it."""


class Family(BaseModel):
    """One family, as in its file; `families/change-add.yaml` explains the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    path: Path
    unseen: bool
    shot: int | None = Field(default=None, ge=1)
    """Turn among the worked examples; families without one follow, by name."""
    numbers: dict[str, tuple[int, int] | str]
    steps: dict[str, str] = Field(min_length=1)
    text: dict[str, Wording]

    @model_validator(mode="after")
    def _names_are_known(self) -> "Family":
        known = {"name", *self._check_formulas()}
        for lang, wording in self.text.items():
            fields = {field for _, field, _, _ in Formatter().parse(wording.question + wording.working)}
            if unknown := fields - known - {None}:
                raise ValueError(f"text.{lang} has unknown placeholders: {', '.join(sorted(map(str, unknown)))}")
        return self

    @model_validator(mode="after")
    def _unseen_is_no_shot(self) -> "Family":
        if self.unseen and self.shot is not None:
            raise ValueError("an unseen family is never a worked example; remove `shot`")
        return self

    def _check_formulas(self) -> set[str]:
        """Names of all numbers, after checking that each formula uses ranges and earlier ones only."""
        known = {name for name, value in self.numbers.items() if not isinstance(value, str)}
        for name, formula in self._formulas().items():
            terms = _FORMULA.fullmatch(formula)
            if terms is None or not all(term in known or term.isdecimal() for term in terms.groups()):
                raise ValueError(f"`{name}: {formula}` must be `left + right` (or - * /) of earlier numbers")
            known.add(name)
        return known

    def _formulas(self) -> dict[str, str]:
        return {name: value for name, value in self.numbers.items() if isinstance(value, str)} | self.steps

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
            raise PipelineError(f"{self.path}: no text in language `{lang}`; add `text.{lang}` there") from None

    def instances(self, seed: int) -> list[dict[str, int]]:
        """All valid draws of numbers, each once, shuffled by the seed."""
        draws = list(self._draws())
        random.Random(f"{seed}/{self.name}").shuffle(draws)  # noqa: S311 - reproducible, not secret
        return draws

    def _draws(self) -> Iterator[dict[str, int]]:
        ranges = {name: value for name, value in self.numbers.items() if not isinstance(value, str)}
        formulas = self._formulas()
        for drawn in product(*(range(low, high + 1) for low, high in ranges.values())):
            values = dict(zip(ranges, drawn, strict=True))
            for name, formula in formulas.items():
                value = _calculate(formula, values)
                if value is None or not SMALLEST <= value <= LARGEST:
                    break
                values[name] = value
            else:
                yield values


def load_families(folder: Path = FAMILIES_FOLDER) -> list[Family]:
    """All families of a folder, by name.

    Raises:
        PipelineError: A file is no YAML or breaks the format; the file and the key are named.
    """
    return [_load_family(path) for path in sorted(folder.glob("*.yaml"))]


@cache
def load_names() -> dict[str, list[str]]:
    """Given names by language."""
    names: dict[str, list[str]] = yaml.safe_load(NAMES_PATH.read_text(encoding="utf-8"))
    return names


def _load_family(path: Path) -> Family:
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Family.model_validate({**raw, "name": path.stem, "path": path})
    except (yaml.YAMLError, TypeError) as error:
        raise PipelineError(f"{path}: not readable as a family: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "file"
        raise PipelineError(f"{path}: `{key}`: {first['msg']}") from None


def _calculate(formula: str, values: dict[str, int]) -> int | None:
    """Value of `left operator right`; None where a division leaves a remainder."""
    left, sign, right = formula.split()
    a, b = (values[term] if term in values else int(term) for term in (left, right))
    if sign == "/":
        return a // b if a % b == 0 else None
    result: int = _OPERATIONS[sign](a, b)
    return result
