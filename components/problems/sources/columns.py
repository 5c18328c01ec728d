"""From rows of named columns to problems: tables and hub data sets alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from components.answers.verdict import canonical_gold
from components.contracts.records import CHOICE_LETTERS
from components.params import ColumnsParams, SourceParams
from components.problems.sources.lines import parse_json
from components.problems.sources.problem import SourceProblem, SourceText, at_row, worked_solution
from components.questions import check_choices

Row = Mapping[str, Any]


@dataclass
class _Joined:
    """A problem's rows so far."""

    texts: dict[str, SourceText]
    workings: dict[str, str]
    """By language, of rows that hold a worked solution."""
    answer: str | None
    """Of the first row that knows it."""
    answer_row: int
    num_choices: int


@dataclass
class _Reader:
    source: SourceParams
    columns: ColumnsParams
    family: str
    problems: dict[str, _Joined] = field(default_factory=dict)

    def add(self, row: int, values: Row) -> None:
        try:
            self._add(row, values)
        except ValueError as error:
            raise at_row(self.source.path, row, str(error)) from None

    def _add(self, row: int, values: Row) -> None:
        columns = self.columns
        question = _text(values, columns.question)
        lang = _text(values, columns.lang) if columns.lang else self.source.lang
        key = _text(values, columns.id) if columns.id else f"{row:04d}"
        choices = _choices(values, columns.choices) if columns.choices else ()
        answer = _answer(values, columns.answer, choices) if columns.answer else None
        joined = self.problems.setdefault(key, _Joined({}, {}, answer, row, len(choices)))
        if lang in joined.texts:
            raise ValueError(f"`{columns.id}` {key!r} is already in row {joined.texts[lang].row} in `{lang}`")
        if joined.answer is None and answer is not None:
            joined.answer, joined.answer_row = answer, row
        if (answer or joined.answer, len(choices)) != (joined.answer, joined.num_choices):
            here, there = f"{answer} of {len(choices)} choices", f"{joined.answer} of {joined.num_choices}"
            raise ValueError(f"problem {key!r} has answer {here} here but {there} in row {joined.answer_row}")
        if working := _cell(values, columns.solution) if columns.solution else None:
            joined.workings[lang] = working
        joined.texts[lang] = SourceText(question, row, choices)

    def joined(self) -> list[SourceProblem]:
        """All problems read so far, in the order of their first rows."""
        return [
            SourceProblem(key, self.family, self.source.path, _worked(one), one.answer)
            for key, one in self.problems.items()
        ]


def read_columns(source: SourceParams, rows: Iterable[tuple[int, Row]], family: str) -> list[SourceProblem]:
    """Problems of numbered rows, in the order of their first rows.

    An answer is a number; with choices a letter (A to J, in any case), or the whole text of a choice, or its place
    from 0. Text wins over place: among the choices 1, 2, 3 the answer 2 is B. A row whose choices are all empty has
    none. Empty answers are unknown ones;
    one row of a problem that knows it is enough.

    Raises:
        PipelineError: A column is missing, or a row breaks a rule; file, row and column are named.
    """
    assert source.columns is not None  # noqa: S101 - SourceParams has checked it
    reader = _Reader(source, source.columns, family)
    for row, values in rows:
        reader.add(row, values)
    return reader.joined()


def _worked(joined: _Joined) -> dict[str, SourceText]:
    """The texts, those with their worked solutions whose problem's answer is known (a later row may have told it)."""
    if joined.answer is None:
        return joined.texts
    solutions = {lang: worked_solution(text, joined.answer, lang) for lang, text in joined.workings.items()}
    return {lang: replace(text, solution=solutions.get(lang)) for lang, text in joined.texts.items()}


def _value(values: Row, column: str) -> Any:  # noqa: ANN401 - whatever a table holds
    if column not in values:
        raise ValueError(f"no column `{column}`; there are {', '.join(map(str, values))}")
    return values[column]


def _plain(value: Any, column: str) -> str | None:  # noqa: ANN401 - whatever a table holds
    """Text, or a number without exponent, and without decimals where it has none (Parquet's 5.0 is 5).

    None where there is nothing: an empty cell, NaN, blank text.

    Raises:
        ValueError: The value is neither text nor a finite number.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip() or None
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    number = Decimal(str(value)) if is_number else None
    if number is None or number.is_infinite():
        told = type(value).__name__
        raise ValueError(f"column `{column}` holds a value of type `{told}`; only text and finite numbers can be read")
    if number.is_nan():
        return None
    return format(number.to_integral_value() if number == number.to_integral_value() else number, "f")


def _cell(values: Row, column: str) -> str | None:
    return _plain(_value(values, column), column)


def _text(values: Row, column: str) -> str:
    text = _cell(values, column)
    if text is None:
        raise ValueError(f"column `{column}` is empty")
    return text


def _choices(values: Row, columns: str | list[str]) -> tuple[str, ...]:
    if isinstance(columns, str):
        value = _value(values, columns)
        is_empty = value is None or (isinstance(value, str) and not value.strip())
        name, cells = columns, [] if is_empty else [_plain(one, columns) for one in _listed(value, columns)]
    else:
        name, cells = columns[0], [_cell(values, column) for column in columns]
        while cells and cells[-1] is None:
            cells.pop()
    if not cells:
        return ()
    texts = tuple(cell or "" for cell in cells)
    try:
        check_choices(texts)
    except ValueError as error:
        raise ValueError(f"column `{name}` {error}") from None
    return texts


def _listed(value: Any, column: str) -> list[Any]:  # noqa: ANN401 - whatever a table holds
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise ValueError(f'column `{column}` holds no list of choices such as ["a", "b"] ({error})') from None
    if not isinstance(value, list):
        raise ValueError(f'column `{column}` holds no list of choices such as ["a", "b"]')
    return value


def _answer(values: Row, column: str, choices: tuple[str, ...]) -> str | None:
    text = _cell(values, column)
    if text is None:
        return None
    try:
        return _choice_letter(text, choices) if choices else canonical_gold(text)
    except ValueError as error:
        raise ValueError(f"column `{column}`: {error}") from None


def _choice_letter(text: str, choices: tuple[str, ...]) -> str:
    letters = CHOICE_LETTERS[: len(choices)]
    readings = {letters[place] for place, choice in enumerate(choices) if choice == text}
    if len(text) == 1 and text.upper() in letters:
        readings.add(text.upper())
    if not readings and text.isdecimal() and int(text) < len(choices):
        readings.add(letters[int(text)])
    if not readings:
        raise ValueError(f"{text!r} is neither a letter of {letters}, nor a choice's text, nor its place from 0")
    if len(readings) > 1:
        raise ValueError(f"{text!r} may mean {' or '.join(sorted(readings))}; write the letter in another column")
    return readings.pop()
