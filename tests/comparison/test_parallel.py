"""Pieces of rows: each row's result is its own, wherever it was worked out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.comparison import parallel
from components.comparison.parallel import in_order, in_pieces


def shouted(columns):
    """Picklable work: a result a row, of its own columns alone."""
    return [f"{lang}: {text}" for lang, text in zip(columns["lang"], columns["completions"], strict=True)]


@given(st.lists(st.tuples(st.sampled_from(["es", "de", "sw"]), st.text(max_size=3)), max_size=12), st.integers(1, 5))
def test_results_come_in_the_rows_order(rows, size):
    columns = {"lang": [lang for lang, _ in rows], "completions": [text for _, text in rows]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "PIECE", size)
        pieces = in_pieces(shouted, columns)
    assert all(len(places) <= size for places, _ in pieces)
    assert in_order(pieces) == shouted(columns)


@pytest.mark.slow
@pytest.mark.parametrize("texts", [["a", "b" * 9, "c", "", "e"], ["a", "", "c", "b" * 9, ""], [""] * 5])
def test_other_processes_work_out_the_same(monkeypatch, texts):
    monkeypatch.setattr(parallel, "_FEW", 2)
    monkeypatch.setattr(parallel, "num_cores", lambda: 2)
    columns = {"lang": ["es", "de", "zh", "es", "sw"], "completions": texts}
    assert in_order(in_pieces(shouted, columns)) == shouted(columns)
