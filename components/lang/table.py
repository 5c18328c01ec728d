"""The table of languages: labels, names, and how answers are written in them, one file each in `languages/`."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from babel import Locale, UnknownLocaleError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.contracts import PipelineError, first_problem

LANGUAGES_FOLDER = Path(__file__).with_name("languages")

Words = tuple[str, ...]
Script = Literal["Latin", "Cyrillic", "Han", "Kana", "Hangul", "Thai", "Bengali", "Telugu", "Devanagari", "Arabic"]


class Language(BaseModel):
    """One language's words; the fields are explained in `languages/en.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    name: str
    question_label: str
    answer_label: str
    answer_sentence: str
    sentence_gap: str
    answer_phrases: Words
    script: Script
    native_digits: str | None = Field(default=None, min_length=10, max_length=10)
    """0 to 9 in the language's own digits; None where it has none."""
    scale_words: dict[str, Annotated[int, Field(ge=10)]] = {}
    scale_words_lead: bool = False
    minus_words: Words = ()
    not_minus: Words = ()
    not_before: Words = ()
    not_after: Words = ()
    or_words: Words = ()
    and_words: Words = ()
    range_words: Words = ()
    range_joints: Words = ()
    half_words: Words = ()
    fraction_words: dict[str, str] = {}
    reference_words: Words = ()
    reference_after: Words = ()
    choice_letters: str = Field(default="", max_length=10)
    not_numerals: Words = ()
    names: Words = Field(min_length=1)
    problems: dict[str, dict[str, Any]] = {}
    """Texts by family of problems, as in a family's file under `text.<code>`."""


@cache
def languages() -> dict[str, Language]:
    """All languages by BCP-47 code.

    Raises:
        PipelineError: A file is not readable, or has a wrong or missing field.
    """
    return {path.stem: _read_language(path) for path in sorted(LANGUAGES_FOLDER.glob("*.yaml"))}


def language(code: str) -> Language:
    """The language of a BCP-47 code.

    Raises:
        PipelineError: The table has no such language.
    """
    try:
        return languages()[code]
    except KeyError:
        path = LANGUAGES_FOLDER / f"{code}.yaml"
        raise PipelineError(f"language `{code}` is not known; add {path} (CONTRIBUTING.md shows how)") from None


def nearest_language(tag: str) -> Language | None:
    """The table's row of a BCP-47 tag, or of its language where the table has no such region or script (`pt-BR`)."""
    rows = languages()
    return rows.get(tag) or rows.get(tag.replace("_", "-").split("-")[0].lower())


@cache
def group_marks(tag: str) -> str:
    """Which of `.` and `,` the language groups digits with, by CLDR: one, or neither where it groups with spaces.

    Of a tag that CLDR does not know: as in its language, else as in English.
    """
    for name in (tag, tag.replace("_", "-").split("-")[0]):
        try:
            mark = Locale.parse(name.replace("_", "-"), sep="-").number_symbols["latn"]["group"]
        except (UnknownLocaleError, ValueError, TypeError, KeyError):
            continue
        return {".": ".", ",": ",", "،": ",", "⹁": ","}.get(mark, "")
    return ","


def _read_language(path: Path) -> Language:
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Language.model_validate({**raw, "code": path.stem})
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        raise PipelineError(f"{path}: not readable as a language: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise PipelineError(f"{path}: {first_problem(error)}") from None
