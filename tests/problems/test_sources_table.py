"""Tables of one's own and hub data sets: the same columns, the same rules."""

import json
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contracts import PipelineError
from components.params import ColumnsParams, SourceParams
from components.problems.sources import read_source
from components.problems.sources.columns import read_columns

MAPPED = {"question": "q", "answer": "a"}
CHOSEN = {**MAPPED, "choices": "c"}
LETTERS = {"question": "q", "answer": "a", "choices": ["c0", "c1", "c2"]}


def table(path, **columns):
    return SourceParams(format="table", path=str(path), columns=ColumnsParams(**columns))


def rows_of(rows, **columns):
    return read_columns(table("rows", **columns), enumerate(rows), "rows")


def error_of(source):
    with pytest.raises(PipelineError) as caught:
        read_source(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def refused(rows, **columns):
    with pytest.raises(PipelineError) as caught:
        rows_of(rows, **columns)
    assert "\n" not in str(caught.value)
    return str(caught.value)


ROWS = [
    {"q": 'He said "hi",\nthen left. How many?', "a": "1,234.50", "lang": "en", "n": "7"},
    {"q": "¿Cuántos?", "a": "1234.5", "lang": "es", "n": "7"},
    {"q": "How old?", "a": None, "lang": "en", "n": "8"},
]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_every_ending_gives_the_same(tmp_path, ending):
    path, frame = tmp_path / f"mine.{ending}", pd.DataFrame(ROWS)
    if ending == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    elif ending == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    first, second = read_source(table(path, **MAPPED, lang="lang", id="n"))
    assert (first.key, first.answer, second.key, second.answer) == ("7", "1234.5", "8", None)
    assert {lang: text.row for lang, text in first.texts.items()} == {"en": 0, "es": 1}
    assert first.texts["en"].question == ROWS[0]["q"]
    assert (second.family, second.source, second.texts["en"].row) == ("mine", str(path), 2)


def test_other_endings_and_broken_files(tmp_path):
    assert ".jsonl, .csv, .parquet" in error_of(table(tmp_path / "mine.xlsx", **MAPPED))
    (tmp_path / "a.parquet").write_text("no")
    assert "not a readable Parquet file" in error_of(table(tmp_path / "a.parquet", **MAPPED))
    (tmp_path / "a.csv").write_bytes(b"q,a\nx,1\n\xff,2\n")
    assert "a.csv: line 3 is not UTF-8" in error_of(table(tmp_path / "a.csv", **MAPPED))
    (tmp_path / "a.csv").write_text("q,a\nx,1\ny\n")
    assert "a.csv: row 1 (from 0): not as many cells as the header's 2" in error_of(table(tmp_path / "a.csv", **MAPPED))
    (tmp_path / "a.csv").write_text('q,a\nx,1\n"y,2\n')
    assert "a.csv: row 1 (from 0): not readable as CSV" in error_of(table(tmp_path / "a.csv", **MAPPED))
    (tmp_path / "a.jsonl").write_text('{"q": "x", "a": 1}\n\n{"q": \n')
    assert "a.jsonl: row 2 (from 0): not readable as JSON" in error_of(table(tmp_path / "a.jsonl", **MAPPED))


def test_byte_order_mark_is_no_part_of_the_header(tmp_path):
    (tmp_path / "a.csv").write_text("q,a\nx,1\n", encoding="utf-8-sig")
    assert read_source(table(tmp_path / "a.csv", **MAPPED))[0].answer == "1"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"a": 1}, "row 0 (from 0): no column `q`; there are a"),
        ({"q": "x"}, "row 0 (from 0): no column `a`; there are q"),
        ({"q": "  ", "a": 1}, "row 0 (from 0): column `q` is empty"),
        ({"q": None, "a": 1}, "row 0 (from 0): column `q` is empty"),
        ({"q": "x", "a": "18 apples"}, "row 0 (from 0): column `a`: '18 apples' is no number"),
        ({"q": "x", "a": True}, "row 0 (from 0): column `a`: 'True' is no number"),
        ({"q": "x", "a": math.inf}, "row 0 (from 0): column `a`: 'Infinity' is no number"),
    ],
)
def test_bad_row_names_row_and_column(row, message):
    assert message in refused([row], **MAPPED)


@pytest.mark.parametrize(
    ("cell", "answer"),
    [(5, "5"), (5.0, "5"), (1e6, "1000000"), (0.5, "0.5"), ("1,234", "1234"), ("007", "7"), ("−3", "-3"), ("", None),
     (math.nan, None), (None, None)],
)  # fmt: skip
def test_numbers_become_canonical(cell, answer):
    assert rows_of([{"q": "x", "a": cell}], **MAPPED)[0].answer == answer


@pytest.mark.parametrize(
    ("choices", "cell", "answer"),
    [
        (["x", "y", "z"], "b", "B"),
        (["x", "y", "z"], "B", "B"),
        (["x", "y", "z"], "z", "C"),
        (["x", "y", "z"], 0, "A"),
        (["x", "y", "z"], "2", "C"),
        (["1", "2", "3"], 2, "B"),  # text wins over place
        ([1, 2.0, 3], "2", "B"),
        (["a tail", "b"], "A", "A"),
        ('["x", "y"]', "y", "B"),  # as a CSV holds it
        (["x", "y"], None, None),
    ],
)
def test_choices_by_letter_text_or_place(choices, cell, answer):
    (problem,) = rows_of([{"q": "x", "a": cell, "c": choices}], **CHOSEN)
    assert problem.answer == answer


@pytest.mark.parametrize(
    ("choices", "cell", "message"),
    [
        (["B", "A"], "A", "'A' may mean A or B"),
        (["x", "x", "y"], "x", "'x' may mean A or B"),
        (["x", "y"], "C", "'C' is neither a letter of AB"),
        (["x", "y"], 2, "'2' is neither"),
        (["x", "y"], -1, "'-1' is neither"),
        (["x"], "A", "column `c` gives 1 choices; 2 to 10"),
        (["x", "", "y"], "A", "column `c` gives 3 choices; 2 to 10 without gaps"),
        ([str(i) for i in range(11)], "A", "column `c` gives 11 choices"),
        ("x or y", "A", "column `c` holds no list"),
    ],
)
def test_bad_choices_are_told(choices, cell, message):
    assert message in refused([{"q": "x", "a": cell, "c": choices}], **CHOSEN)


def test_a_column_a_choice_drops_empty_ones_at_the_end():
    (problem,) = rows_of([{"q": "x", "a": "y", "c0": "x", "c1": "y", "c2": None}], **LETTERS)
    assert (problem.texts["en"].choices, problem.answer) == (("x", "y"), "B")
    assert "without gaps" in refused([{"q": "x", "a": "y", "c0": "x", "c1": "", "c2": "y"}], **LETTERS)


def test_a_problems_languages_must_agree():
    columns = {**CHOSEN, "id": "n", "lang": "l"}
    good = {"q": "x", "a": "A", "c": ["x", "y"], "n": 1, "l": "en"}
    assert "has answer B of 2 choices here but A of 2" in refused([good, {**good, "l": "es", "a": "B"}], **columns)
    assert "A of 3 choices here but A of 2" in refused([good, {**good, "l": "es", "c": ["x", "y", "z"]}], **columns)
    assert "`n` '1' is already in row 0 in `en`" in refused([good, good], **columns)
    (problem,) = rows_of([good, {**good, "l": "es", "c": ["equis", "y"], "a": "equis"}], **columns)
    assert (problem.key, problem.answer, list(problem.texts)) == ("1", "A", ["en", "es"])


def test_solutions_end_with_the_answer_sentence():
    rows = [
        {"q": "x", "a": 4, "s": "2 + 2\n= 4"},
        {"q": "y", "a": 5, "s": "The answer is 5."},
        {"q": "z", "a": 5, "s": ""},
    ]
    solutions = [problem.texts["en"].solution for problem in rows_of(rows, **MAPPED, solution="s")]
    assert solutions == ["2 + 2 = 4 The answer is 4.", "The answer is 5.", None]


@given(st.integers(-(10**12), 10**12))
def test_whole_numbers_read_the_same_from_every_cell(number):
    cells = [number, str(number), f"{number:,}", f" {number} "]
    assert {problem.answer for problem in rows_of([{"q": "x", "a": c} for c in cells], **MAPPED)} == {str(number)}


def hub(path, split="test", **columns):
    return SourceParams(format="hub", path=str(path), split=split, columns=ColumnsParams(**columns))


def test_hub_reads_a_local_folder_in_its_form(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "set"
    folder.mkdir()
    pd.DataFrame({"q": ["x", "y"], "a": ["B", None], "c": [["1", "2"], ["3", "4"]]}).to_parquet(folder / "test.parquet")
    problems = read_source(hub(folder, **CHOSEN))
    assert [(p.key, p.answer, p.texts["en"].choices) for p in problems] == [
        ("0000", "B", ("1", "2")),
        ("0001", None, ("3", "4")),
    ]
    assert problems[0].source == f"{folder} test"
    assert "not to be had" in error_of(hub(folder, split="nowhere", **CHOSEN))
    assert "not to be had" in error_of(hub(tmp_path / "none", **CHOSEN))
