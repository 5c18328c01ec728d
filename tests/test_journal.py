"""Finished pieces outlive the process that made them, and nothing else does."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from components.contracts import ContractError, PipelineError
from components.journal import Journal, kept_journal
from tests.architecture.imports import ROOT


class Row(BaseModel):
    text: str


ROWS = [Row(text="zwölf\nประโยค"), Row(text="")]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@contextmanager
def opened(stage="evaluate", fingerprint="a"):
    """A journal for a while, as a process that is then killed has it."""
    journal = Journal(stage, fingerprint)
    try:
        yield journal
    finally:
        journal.release()


def never():
    raise AssertionError("computed again")


def test_a_piece_is_computed_once_even_by_another_process():
    with opened() as journal:
        assert journal.piece("es", Row, lambda: ROWS) == ROWS
    with opened() as journal:
        assert journal.piece("es", Row, never) == ROWS
        with pytest.raises(AssertionError, match="computed again"):
            journal.piece("de", Row, never)


def test_an_empty_piece_is_finished_too():
    with opened() as journal:
        journal.piece("es", Row, list)
    with opened() as journal:
        assert journal.piece("es", Row, never) == []


def test_other_fingerprints_are_removed_and_other_stages_left():
    with opened() as journal:
        journal.piece("es", Row, lambda: ROWS)
    with opened("train") as journal:
        journal.piece("es", Row, lambda: ROWS)
    with opened(fingerprint="b"):
        pass
    with opened("train") as journal:
        assert journal.piece("es", Row, never) == ROWS
    with opened() as journal, pytest.raises(AssertionError, match="computed again"):
        journal.piece("es", Row, never)


def test_closing_removes_the_pieces():
    journal = Journal("evaluate", "a")
    journal.piece("es", Row, lambda: ROWS)
    journal.close()
    assert list(Path(".checkpoints/evaluate").iterdir()) == []
    journal.close()  # twice is no error
    with opened() as again:
        assert "es" not in again


def test_a_crash_leaves_nothing_of_the_piece_and_all_of_the_others():
    def crash():
        yield ROWS[0]
        raise KeyboardInterrupt

    with opened() as journal:
        journal.piece("es", Row, lambda: ROWS)
        with pytest.raises(KeyboardInterrupt):
            journal.piece("de", Row, crash)
        assert "de" not in journal
        assert len(journal.path.read_bytes().splitlines()) == 1
        assert journal.piece("de", Row, lambda: ROWS[:1]) == ROWS[:1]


def test_a_piece_is_finished_once():
    with opened() as journal:
        journal.append("es", ROWS)
        with pytest.raises(ValueError, match="`es` is finished already"):
            journal.append("es", [])
        assert journal.read("es", Row) == ROWS
        with pytest.raises(KeyError):
            journal.read("de", Row)


def test_threads_may_append_in_any_order():
    with opened() as journal, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: journal.append(str(i), [Row(text=str(i) * 500)]), range(100)))
    with opened() as journal:
        assert [journal.read(str(i), Row)[0].text for i in range(100)] == [str(i) * 500 for i in range(100)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_wherever_the_last_line_is_torn_it_is_dropped_and_nothing_else(data):
    journal = Journal("evaluate", "a")
    journal.close()
    with opened() as journal:
        journal.append("es", ROWS)
        whole = journal.path.stat().st_size
        journal.append("de", ROWS)
    torn = data.draw(st.integers(whole, journal.path.stat().st_size - 1))
    os.truncate(journal.path, torn)
    with opened() as journal:
        assert ("es" in journal, "de" in journal) == (True, False)
        journal.append("de", ROWS[:1])
    with opened() as journal:
        assert (journal.read("es", Row), journal.read("de", Row)) == (ROWS, ROWS[:1])


@pytest.mark.parametrize(
    "line", ["", '{"key": "es"', "null", "[]", '{"key": "es"}', '{"key": "es", "records": 1}', "\udcff\udcfe"]
)
def test_a_broken_line_in_the_middle_is_named_and_lets_the_lock_go(line):
    with opened() as journal:
        journal.append("de", ROWS)
        journal.append("es", ROWS)
    first, second = journal.path.read_bytes().splitlines()
    journal.path.write_bytes(b"\n".join([first, line.encode(errors="surrogateescape"), second, b""]))
    for _ in range(2):
        with pytest.raises(ContractError, match=r"journal\.jsonl:2: not a finished piece; remove that line"):
            Journal("evaluate", "a")
    journal.path.write_bytes(b"\n".join([first, second, first, b""]))
    with pytest.raises(ContractError, match=r"journal\.jsonl:3: piece `de` is already in line 1"):
        Journal("evaluate", "a")


def test_a_piece_that_somebody_edited_is_named():
    with opened() as journal:
        journal.append("de", ROWS)
        journal.append("es", ROWS)
    lines = journal.path.read_text().splitlines()
    lines[1] = json.dumps({"key": "es", "records": [{"word": 1}]})
    journal.path.write_text("\n".join([*lines, ""]))
    with opened() as journal, pytest.raises(ContractError, match=r"journal\.jsonl:2: field `text`"):
        journal.piece("es", Row, never)


HOLD = """
import sys, time
from components.journal import Journal
journal = Journal(sys.argv[1], "a")
print("open", flush=True)
time.sleep(60)
"""

# Appends pieces as fast as it can, each of several pages, and says which are finished.
WRITE = """
from pydantic import BaseModel
from components.journal import Journal
class Row(BaseModel):
    text: str
journal = Journal("evaluate", "a")
number = 0
while True:
    key = str(number)
    if key not in journal:
        journal.append(key, [Row(text=key * 9000)])
        print(key, flush=True)
    number += 1
"""


def start(program, *arguments):
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_answers_of_each_served_model_have_a_file_of_their_own():
    names = ["org/model", "org-model", "org%2Fmodel", "../model", "big"]
    paths = []
    for name in names:
        kept = kept_journal("pivot", name)
        paths.append(kept.path)
        kept.append("key", ROWS)
        kept.release()
    assert len(set(paths)) == len(names)
    assert all(path.is_file() and len(path.parts) == 4 for path in paths)
    assert paths[-1] == Path(".checkpoints/pivot-big/answers/journal.jsonl")


def test_a_second_process_is_refused_at_once_and_told_whom_to_wait_for():
    holder = start(HOLD, "evaluate")
    assert holder.stdout.readline() == "open\n"
    before = time.monotonic()
    with pytest.raises(PipelineError) as caught:
        Journal("evaluate", "b")
    assert time.monotonic() - before < 1
    assert str(caught.value) == (
        f"stage `evaluate` is already at work in this folder (process {holder.pid}); wait for it or stop it"
    )
    assert Path(".checkpoints/evaluate/a").is_dir(), "the refused one must not clear what the other works on"
    with opened("calibrate"):
        pass
    kill(holder)
    with opened(fingerprint="b"):
        pass


def test_a_writer_killed_at_any_moment_loses_nothing_that_was_finished():
    told = []
    for seconds in (0.01, 0.04, 0.09):
        writer = start(WRITE)
        told.append(writer.stdout.readline().strip())
        time.sleep(seconds)
        kill(writer)
        told += writer.stdout.read().split()
    assert len(told) == len(set(told)), "a finished piece was made again"
    with opened() as journal:
        assert all(journal.read(key, Row)[0].text == key * 9000 for key in told)


def test_a_full_disk_is_told_and_leaves_no_half_line():
    program = """
import resource, signal
from pydantic import BaseModel
from components.contracts import PipelineError
from components.journal import Journal
class Row(BaseModel):
    text: str
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal("evaluate", "a")
journal.append("small", [Row(text="x")])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    journal.append("large", [Row(text="x" * 9000)])
except PipelineError as error:
    print(error)
journal.append("small too", [Row(text="x")])
"""
    output = start(program).communicate()[0]
    assert output.strip().endswith("journal.jsonl: cannot write (File too large); make room")
    with opened() as journal:
        assert ["small" in journal, "large" in journal, "small too" in journal] == [True, False, True]
