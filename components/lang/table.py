"""The table of languages: labels, answer phrases and number marks, read once from `languages.yaml`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.contracts import PipelineError

LANGUAGES_PATH = Path(__file__).with_name("languages.yaml")


@dataclass(frozen=True, slots=True)
class Language:
    """One language's words and marks; the fields are explained in `languages.yaml`."""

    code: str
    name: str
    question_label: str
    answer_label: str
    answer_sentence: str
    sentence_gap: str
    answer_phrases: tuple[str, ...]
    decimal_mark: str
    group_marks: str
    script: str


@cache
def languages() -> dict[str, Language]:
    """All languages of the table by BCP-47 code, in the file's order."""
    rows: dict[str, dict[str, Any]] = yaml.safe_load(LANGUAGES_PATH.read_text(encoding="utf-8"))
    return {
        code: Language(code=code, answer_phrases=tuple(row.pop("answer_phrases")), **row) for code, row in rows.items()
    }


def language(code: str) -> Language:
    """The language of a BCP-47 code.

    Raises:
        PipelineError: The table has no such language.
    """
    try:
        return languages()[code]
    except KeyError:
        raise PipelineError(f"language `{code}` has no templates; add it to {LANGUAGES_PATH}") from None
