"""The table of languages: labels, answer phrases, number marks and names, one file each in `languages/`."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.contracts import PipelineError

LANGUAGES_FOLDER = Path(__file__).with_name("languages")


class Language(BaseModel):
    """One language's words and marks; the fields are explained in `languages/en.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    name: str
    question_label: str
    answer_label: str
    answer_sentence: str
    sentence_gap: str
    answer_phrases: tuple[str, ...]
    decimal_mark: str
    group_marks: str
    script: Literal["Latin", "Cyrillic", "Han", "Kana", "Thai", "Bengali", "Telugu"]
    """Those that `share.py` can tell apart."""
    native_digits: str | None = Field(default=None, min_length=10, max_length=10)
    """0 to 9 in the language's own digits; None where it has none."""
    names: tuple[str, ...] = Field(min_length=1)
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


def _read_language(path: Path) -> Language:
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Language.model_validate({**raw, "code": path.stem})
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        raise PipelineError(f"{path}: not readable as a language: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "file"
        raise PipelineError(f"{path}: `{key}`: {first['msg']}") from None
