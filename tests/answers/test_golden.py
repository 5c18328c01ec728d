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
