"""Finished pieces outlive the process that made them, and nothing else does."""

import pytest
from pydantic import BaseModel

from components.contracts import ContractError
from components.generation.journal import Journal


class Row(BaseModel):
    text: str


ROWS = [Row(text="zwölf\nประโยค"), Row(text="")]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def never():
    raise AssertionError("computed again")


def test_a_piece_is_computed_once_even_by_another_process():
    assert Journal("evaluate", "a").piece("es", Row, lambda: ROWS) == ROWS
    journal = Journal("evaluate", "a")
    assert journal.piece("es", Row, never) == ROWS
    with pytest.raises(AssertionError, match="computed again"):
        journal.piece("de", Row, never)


def test_an_empty_piece_is_finished_too():
    Journal("evaluate", "a").piece("es", Row, list)
    assert Journal("evaluate", "a").piece("es", Row, never) == []


def test_other_fingerprints_are_removed_and_other_stages_left():
    Journal("evaluate", "a").piece("es", Row, lambda: ROWS)
    Journal("train", "a").piece("es", Row, lambda: ROWS)
    Journal("evaluate", "b")
    assert Journal("train", "a").piece("es", Row, never) == ROWS
    with pytest.raises(AssertionError, match="computed again"):
        Journal("evaluate", "a").piece("es", Row, never)


def test_closing_removes_the_pieces():
    journal = Journal("evaluate", "a")
    journal.piece("es", Row, lambda: ROWS)
    journal.close()
    assert not journal.folder.exists()
    journal.close()  # twice is no error


def test_a_crash_leaves_nothing_of_the_piece_and_all_of_the_others():
    def crash():
        yield ROWS[0]
        raise KeyboardInterrupt

    journal = Journal("evaluate", "a")
    journal.piece("es", Row, lambda: ROWS)
    with pytest.raises(KeyboardInterrupt):
        journal.piece("de", Row, crash)
    assert [path.name for path in journal.folder.iterdir()] == ["es.jsonl"]
    assert journal.piece("de", Row, lambda: ROWS[:1]) == ROWS[:1]


def test_a_piece_that_somebody_edited_is_named():
    journal = Journal("evaluate", "a")
    journal.piece("es", Row, lambda: ROWS)
    (journal.folder / "es.jsonl").write_text('{"word": 1}\n')
    with pytest.raises(ContractError, match=r"es\.jsonl:1: field `text`"):
        journal.piece("es", Row, never)
