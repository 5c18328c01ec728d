"""Verdicts on golden rows in every language: written from the rules alone, before the code was run on them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from components.answers import verify
from components.lang import languages

FOLDER = Path(__file__).with_name("golden")
ROWS = [
    pytest.param(row, id=f"{path.stem}-{number}: {row['why']}")
    for path in sorted(FOLDER.glob("*.json"))
    for number, row in enumerate(json.loads(path.read_text(encoding="utf-8")), start=1)
]


@pytest.mark.parametrize("row", ROWS)
def test_golden_row(row):
    verdict = verify(row["text"], row["gold"], row["lang"], row.get("choices", ()))
    told = verdict.answer, verdict.path, verdict.correct, verdict.ambiguous
    assert told == (row["answer"], row["path"], row["correct"], row["ambiguous"])


def test_rows_cover_every_language_and_enough_wrong_answers():
    rows = [parameter.values[0] for parameter in ROWS]
    assert len(rows) >= 900
    assert sum(not row["correct"] for row in rows) >= 150
    wrong = Counter(row["lang"] for row in rows if not row["correct"])
    assert {code for code in languages() if wrong[code] >= 4} == set(languages())
    assert len({(row["lang"], row["text"], row["gold"]) for row in rows}) == len(rows)


def adversarial(name):
    """Rows that a tester wrote from the issue alone, against the code; `expect` holds what the issue decides."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def is_read_as_expected(row):
    verdict = verify(row["text"], row["gold"], row["lang"], row.get("choices", ()))
    return all(getattr(verdict, key) == value for key, value in row["expect"].items())


@pytest.mark.slow
def test_adversarial_rows():
    rows = adversarial("adversarial.jsonl")
    assert len(rows) >= 2_700
    assert [row for row in rows if not is_read_as_expected(row)] == []


def test_what_is_still_misread_is_listed():
    """A row that is read right today belongs into adversarial.jsonl; docs/answers.md tells what is left by kind."""
    assert [row for row in adversarial("misread.jsonl") if is_read_as_expected(row)] == []
