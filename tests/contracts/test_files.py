"""Records on disk: what is written is read back, and what breaks the contract is named."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from components.contracts import (
    ContractError,
    Prediction,
    Reference,
    ScoredResponse,
    fingerprint,
    read_records,
    read_table,
    write_json,
    write_records,
    write_table,
    write_text,
)

share = st.floats(0, 1)
scored = st.builds(
    ScoredResponse,
    problem_id=st.text(),
    lang=st.sampled_from(["en", "th", "zh"]),
    sample=st.integers(0, 2**40),
    response=st.text(),
    truncated=st.booleans(),
    answer_read=st.none() | st.text(),
    answer_path=st.sampled_from(["boxed", "none"]),
    correct=st.booleans(),
    **{
        name: st.none() | share
        for name, field in ScoredResponse.model_fields.items()
        if field.annotation == float | None
    },
    unscored_reason=st.none() | st.text(),
    schema_version=st.just(1),
)
references = st.builds(
    Reference,
    problem_id=st.text(),
    split=st.sampled_from(["train", "validation"]),
    answer=st.none() | st.text(),
    text=st.none() | st.text(),
    thought=st.none() | st.text(),
    agreement=share,
    num_samples=st.integers(1, 99),
    label=st.none() | st.text(),
    label_agreement=st.none() | share,
    kept=st.booleans(),
    reason=st.none() | st.text(),
    gold_correct=st.none() | st.booleans(),
    num_tokens=st.integers(0, 10**9),
    pivot=st.text(),
    self_pivot=st.booleans(),
    schema_version=st.just(1),
)
on_disk = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

GOOD = {
    "system": "base", "problem_id": "p-1", "lang": "es", "family": "f", "unseen_family": False, "trained_lang": True,
    "response": "12", "num_tokens": 3, "truncated": False, "answer_read": "12", "answer_path": "last_number",
    "correct": True, "language_share": 0.5,
}  # fmt: skip
BROKEN = [
    ({k: v for k, v in GOOD.items() if k != "num_tokens"}, "field `num_tokens`: Field required"),
    (GOOD | {"speed": 3}, "field `speed`: Extra inputs are not permitted"),
    (GOOD | {"num_tokens": "many"}, "field `num_tokens`: Input should be a valid integer"),
    (GOOD | {"num_tokens": -1}, "field `num_tokens`: Input should be greater than or equal to 0"),
    (GOOD | {"system": "best"}, "field `system`: Input should be"),
    (GOOD | {"schema_version": 0}, "field `schema_version`: Input should be 1"),
]


@on_disk
@given(st.lists(references | scored, max_size=4).map(lambda rows: [row for row in rows if type(row) is type(rows[0])]))
def test_lines_are_read_back(tmp_path, rows):
    path = tmp_path / "rows.jsonl"
    write_records(path, rows)
    assert read_records(path, type(rows[0]) if rows else Reference) == rows


@on_disk
@given(st.lists(scored, max_size=4))
def test_tables_are_read_back(tmp_path, rows):
    path = tmp_path / "deep" / "rows.parquet"
    write_table(path, rows, ScoredResponse)
    assert list(pd.read_parquet(path).columns) == list(ScoredResponse.model_fields)
    assert read_table(path, ScoredResponse) == rows


@pytest.mark.parametrize(("row", "message"), BROKEN)
def test_a_line_that_breaks_the_contract_is_named(tmp_path, row, message):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(GOOD) + "\n\n" + json.dumps(row) + "\n")
    assert refusal(read_records, path).startswith(f"{path}:3: {message}")


@pytest.mark.parametrize(("row", "message"), BROKEN)
def test_a_table_row_that_breaks_the_contract_is_named(tmp_path, row, message):
    path = tmp_path / "rows.parquet"
    pd.DataFrame([row]).to_parquet(path)
    assert refusal(read_table, path).startswith(f"{path}: row 0: {message}")


def test_a_good_row_is_read_from_both(tmp_path):
    (tmp_path / "rows.jsonl").write_text(json.dumps(GOOD))
    pd.DataFrame([GOOD]).to_parquet(tmp_path / "rows.parquet")
    expected = [Prediction.model_validate(GOOD)]
    assert read_records(tmp_path / "rows.jsonl", Prediction) == expected
    assert read_table(tmp_path / "rows.parquet", Prediction) == expected


def test_broken_utf8_is_named_by_file_and_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n" + b'{"problem_id": "ni\xf1o"}\n')
    assert refusal(read_records, path) == f"{path}:2: not UTF-8 at byte 18 of the line; save it as UTF-8"


def test_a_line_that_is_no_json_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("answer: 12\n")
    assert refusal(read_records, path).startswith(f"{path}:1: field `line`: Invalid JSON")


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert refusal(read_records, path) == (
        f"{path}: No such file or directory; run the stage that writes it (`dvc repro`)"
    )
    assert refusal(read_table, path).startswith(f"{path}: not a readable Parquet file")


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_text("problem_id,lang\n")
    assert refusal(read_table, path).startswith(f"{path}: not a readable Parquet file (")


def rows_that_fail():
    yield Prediction.model_validate(GOOD)
    raise RuntimeError("the power went")


class Unstorable(BaseModel):
    value: object


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_records(path, rows_that_fail()),
        lambda path: write_json(path, {"loss": float("nan")}),
        lambda path: write_text(path, "half a character \ud800"),
        lambda path: write_table(path, [Unstorable(value=object())], Unstorable),
    ],
)
def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, write):
    path = tmp_path / "rows"
    path.write_text("old")
    with pytest.raises(Exception, match=r"power|NaN|nan|surrogates|object"):
        write(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failing", ["replace", "chmod"])
def test_a_crash_between_writing_and_renaming_leaves_the_old_file(tmp_path, monkeypatch, failing):
    path = tmp_path / "value.json"
    write_json(path, 1)

    def crash(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, failing, crash)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, 2)
    assert json.loads(path.read_text()) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "write", [lambda path: write_text(path, "x"), lambda path: write_table(path, [], ScoredResponse)]
)
def test_a_folder_that_cannot_be_written_is_named(tmp_path, write):
    (tmp_path / "file").write_text("not a folder")
    path = tmp_path / "file" / "rows"
    with pytest.raises(ContractError) as caught:
        write(path)
    assert str(caught.value).startswith(f"{path}: cannot write here (")


def test_fingerprint_sees_every_value_name_and_byte(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("model")
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weights").write_bytes(b"\x00" * 9)
    (folder / ".hidden").write_text("a")
    Path("rows.jsonl").write_text("1\n")
    inputs = [Path("rows.jsonl"), folder]
    seen = [fingerprint({"seed": 1, "rate": 0.5}, inputs)]
    assert fingerprint({"rate": 0.5, "seed": 1}, inputs) == seen[0], "the order of keys is no value"
    assert len(seen[0]) == 16
    assert int(seen[0], 16) >= 0
    seen.append(fingerprint({"seed": 2, "rate": 0.5}, inputs))
    changes = [
        lambda: (folder / "deep" / "weights").write_bytes(b"\x00" * 8 + b"\x01"),  # same size
        lambda: (folder / ".hidden").write_text("b"),
        lambda: Path("rows.jsonl").write_text("1\n\n"),
        lambda: (folder / "new").write_text(""),
        lambda: (folder / "new").rename(folder / "newer"),
    ]
    for change in changes:
        change()
        seen.append(fingerprint({"seed": 1, "rate": 0.5}, inputs))
    assert len(set(seen)) == len(seen)


def refusal(read, path):
    with pytest.raises(ContractError) as caught:
        read(path, Prediction)
    assert "\n" not in str(caught.value)
    return str(caught.value)
