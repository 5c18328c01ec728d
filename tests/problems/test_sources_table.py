"""Tables of one's own and hub data sets: the same columns, the same rules."""

import datetime
import json
import math
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.answers import read_answer
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


DEEP = '{"q": ' + "[" * 100_000


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", r'{"q": "bad \ud83d end", "a": 2}', "row 1 (from 0): not readable as JSON (half a surrogate pair"),
        ("a.jsonl", r'{"\udc00": 1, "q": "x", "a": 2}', "row 1 (from 0): not readable as JSON (half a surrogate pair"),
        ("a.jsonl", DEEP, "row 1 (from 0): not readable as JSON (nested too deeply)"),
        ("a.csv", "question,answer,answer\nx,1,2\n", "two columns are named `answer`; rename one"),
        ("a.csv", "q,a\nx,1\ny,2,3\n", "row 1 (from 0): not as many cells as the header's 2"),
    ],
)
def test_files_that_would_be_misread_are_refused(tmp_path, name, text, message):
    good = '{"q": "x", "a": 1}\n' if name.endswith("jsonl") else ""
    (tmp_path / name).write_text(good + text)
    assert error_of(table(tmp_path / name, **MAPPED)).startswith(f"{tmp_path / name}: {message}")


def test_surrogates_in_pairs_are_read(tmp_path):
    (tmp_path / "a.jsonl").write_text(r'{"q": "\ud83d\ude00?", "a": 1}')
    assert read_source(table(tmp_path / "a.jsonl", **MAPPED))[0].texts["en"].question == "😀?"


def broken_parquet(path):
    """Its second text is no UTF-8."""
    cells = pa.array([b"x", b"y\xff"], pa.binary())
    pq.write_table(pa.table({"q": pa.Array.from_buffers(pa.string(), 2, cells.buffers()), "a": [1, 2]}), path)


def test_parquet_text_that_is_not_utf8(tmp_path):
    broken_parquet(tmp_path / "a.parquet")
    message = error_of(table(tmp_path / "a.parquet", **MAPPED))
    assert message.startswith(f"{tmp_path / 'a.parquet'}: not a readable Parquet file (")
    assert "Invalid UTF8 sequence at string index 1" in message


@pytest.mark.parametrize(
    "text", [",q,a\n0,x,7\n", "q,a,,\nx,7,,\n"]
)  # pandas' own index; a spreadsheet's spare columns
def test_csv_columns_without_a_name(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    (problem,) = read_source(table(tmp_path / "a.csv", **MAPPED))
    assert (problem.texts["en"].question, problem.answer) == ("x", "7")


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
        ({"q": "x", "a": "1,000,00"}, "row 0 (from 0): column `a`: '1,000,00' is no number"),
    ],
)
def test_bad_row_names_row_and_column(row, message):
    assert message in refused([row], **MAPPED)


@pytest.mark.parametrize(
    ("cell", "told"),
    [({"text": "x"}, "dict"), (["x"], "list"), (b"x", "bytes"), (True, "bool"), (math.inf, "float"),
     (Decimal("-Infinity"), "Decimal"), (datetime.date(2024, 1, 1), "date")],
)  # fmt: skip
@pytest.mark.parametrize("column", ["q", "a", "l", "i", "s", "c0"])
def test_only_text_and_numbers_are_cells(cell, told, column):
    good = {"q": "x", "a": "y", "l": "en", "i": 1, "s": "so", "c0": "x", "c1": "y"}
    columns = {"question": "q", "answer": "a", "lang": "l", "id": "i", "solution": "s", "choices": ["c0", "c1"]}
    assert rows_of([good], **columns)[0].answer == "B"
    message = f"row 1 (from 0): column `{column}` holds a value of type `{told}`; only text and finite numbers"
    assert message in refused([good | {"i": 0}, good | {column: cell}], **columns)


@pytest.mark.parametrize(
    ("cell", "answer"),
    [(5, "5"), (5.0, "5"), (1e6, "1000000"), (0.5, "0.5"), ("1,234", "1234"), ("007", "7"), ("−3", "-3"), ("", None),
     (math.nan, None), (None, None), (Decimal("2.50"), "2.5"), (Decimal("nan"), None), ("12,34,567", "1234567"),
     (10**400, "1" + "0" * 400)],
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
        (["x", "x", "y"], "y", "column `c` gives the choice 'x' twice"),
        ([1, 1.0], "A", "column `c` gives the choice '1' twice"),
        (["x", {"text": "y"}], "A", "column `c` holds a value of type `dict`"),
        (["x", True], "A", "column `c` holds a value of type `bool`"),
        ({"text": ["x", "y"]}, "A", "column `c` holds no list"),
        ("[" * 100_000, "A", 'column `c` holds no list of choices such as ["a", "b"] (nested too deeply)'),
        (r'["x", "\ud83d"]', "A", "half a surrogate pair"),
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


@pytest.mark.parametrize("empty", [None, "", "[]", []])
def test_questions_with_and_without_choices_share_a_table(empty):
    rows = [{"q": "x", "a": "B", "c": ["1", "2"]}, {"q": "y", "a": 5, "c": empty}]
    first, second = rows_of(rows, **CHOSEN)
    assert (first.answer, second.answer, second.texts["en"].choices) == ("B", "5", ())
    assert "'B' is no number" in refused([{"q": "y", "a": "B", "c": empty}], **CHOSEN)
    letters = [{"q": "y", "a": 5, "c0": None, "c1": "", "c2": None}]
    assert rows_of(letters, **LETTERS)[0].answer == "5"


@pytest.mark.parametrize(("lang", "sentence"), [("es", "La respuesta es 3,125."), ("th", "3.125"), ("en", "is 3.125.")])
def test_a_worked_solution_ends_in_the_languages_notation(lang, sentence):
    rows = [{"q": "x", "a": 3.125, "s": "25 / 8.", "l": lang}]
    (problem,) = rows_of(rows, **MAPPED, solution="s", lang="l")
    assert sentence in problem.texts[lang].solution
    assert read_answer(problem.texts[lang].solution, lang).value == "3.125"


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
        {"q": "z", "a": None, "s": "who knows"},
    ]
    solutions = [problem.texts["en"].solution for problem in rows_of(rows, **MAPPED, solution="s")]
    assert solutions == ["2 + 2 = 4 The answer is 4.", "The answer is 5.", None, None]


@pytest.mark.parametrize("known", [(0,), (1,), (0, 1)])
def test_one_row_that_knows_the_answer_is_enough(known):
    rows = [{"q": "x", "s": "2 + 2 = 4.", "n": 1, "l": "en"}, {"q": "x", "s": "2 + 2 = 4.", "n": 1, "l": "es"}]
    told = [row | {"a": 4 if number in known else None} for number, row in enumerate(rows)]
    (problem,) = rows_of(told, **MAPPED, solution="s", lang="l", id="n")
    assert problem.answer == "4"
    assert [text.solution for text in problem.texts.values()] == [
        "2 + 2 = 4. The answer is 4.",
        "2 + 2 = 4. La respuesta es 4.",
    ]


def test_answers_that_disagree_name_the_row_that_told_the_first():
    rows = [{"q": "x", "a": answer, "n": 1, "l": lang} for lang, answer in [("en", None), ("es", 4), ("de", 5)]]
    message = refused(rows, **MAPPED, lang="l", id="n")
    assert "row 2 (from 0): problem '1' has answer 5 of 0 choices here but 4 of 0 in row 1" in message


def test_a_key_that_a_line_leaves_out_is_an_empty_cell(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"q": "x"}\n{"q": "y", "a": 2}\n')
    assert [problem.answer for problem in read_source(table(path, **MAPPED))] == [None, "2"]
    path.write_text('{"q": "x", "a": 1}\n{"a": 2}\n')
    assert "row 1 (from 0): column `q` is empty" in error_of(table(path, **MAPPED))
    path.write_text('{"q": "x"}\n{"q": "y"}\n')  # a name that no line has is a mistake
    assert "row 0 (from 0): no column `a`; there are q" in error_of(table(path, **MAPPED))


def test_a_solution_in_a_language_outside_the_table_is_left_out():
    row = {"q": "x", "a": 4, "s": "2 + 2 = 4.", "n": 1}
    (problem,) = rows_of([row | {"l": "eo"}, row | {"l": "en"}], **MAPPED, solution="s", lang="l", id="n")
    assert {lang: text.solution for lang, text in problem.texts.items()} == {
        "eo": None,
        "en": "2 + 2 = 4. The answer is 4.",
    }


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
    broken_parquet(folder / "test.parquet")
    assert "not to be had ('utf-8' codec can't decode" in error_of(hub(folder, **MAPPED))
