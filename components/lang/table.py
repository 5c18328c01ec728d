"""The table of languages: labels, answer phrases and number marks, read once from `languages.yaml`."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from components.contracts import PipelineError

LANGUAGES_PATH = Path(__file__).with_name("languages.yaml")


class Language(BaseModel):
    """One language's words and marks; the fields are explained in `languages.yaml`."""

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


@cache
def languages() -> dict[str, Language]:
    """All languages of the table by BCP-47 code, in the file's order.

    Raises:
        PipelineError: A row has a wrong or missing field.
    """
    rows: dict[str, dict[str, Any]] = yaml.safe_load(LANGUAGES_PATH.read_text(encoding="utf-8"))
    return {code: _language(code, row) for code, row in rows.items()}


def language(code: str) -> Language:
    """The language of a BCP-47 code.

    Raises:
        PipelineError: The table has no such language.
    """
    try:
        return languages()[code]
    except KeyError:
        raise PipelineError(f"language `{code}` has no templates; add it to {LANGUAGES_PATH}") from None


def _language(code: str, row: dict[str, Any]) -> Language:
    try:
        return Language(code=code, **row)
    except ValidationError as error:
        first = error.errors()[0]
        raise PipelineError(f"{LANGUAGES_PATH}: `{code}.{first['loc'][0]}`: {first['msg']}") from None
