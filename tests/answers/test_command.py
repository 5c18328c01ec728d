"""`pb-rlsvr verify` as a user runs it: a process, files and pipes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import wait_until_gone

pytestmark = pytest.mark.slow

ROWS = [
    {"id": 7, "lang": "de", "text": "Also sind es 12 Äpfel. Die Antwort ist 1.234,5.", "gold": "1234.5"},
    {"lang": "zh", "text": "答案是（B）。", "gold": "B", "choices": ["北京", "上海"]},
    {"lang": "en", "text": "The answer is 1,234.", "gold": 1234},
    {"lang": "en", "text": "It is 12.", "gold": 12.5},
    {"lang": "xx", "text": "၁၈", "gold": None},
]
VERDICTS = [
    {"answer": "1234.5", "path": "phrase", "correct": True, "ambiguous": False},
    {"answer": "B", "path": "phrase", "correct": True, "ambiguous": False},
    {"answer": "1234", "path": "phrase", "correct": True, "ambiguous": True},
    {"answer": "12", "path": "last_number", "correct": False, "ambiguous": False},
    {"answer": "18", "path": "last_number", "correct": None, "ambiguous": False},
]


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def run(*arguments, given=None):
    command = [sys.executable, "-m", "components.cli", "verify", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def test_rows_come_back_whole_with_their_verdicts(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(lines(ROWS))
    done = run(path, "--no-language")
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        row | verdict for row, verdict in zip(ROWS, VERDICTS, strict=True)
    ]


def test_language_is_told_by_default():
    rows = [
        {"lang": "de", "text": "Die Antwort ist 12.", "gold": "12"},
        {"lang": "de", "text": "The answer is twelve apples.", "gold": "12"},
        {"lang": "ru", "text": "Ответ: Camille Dubois 12", "gold": "12", "prompt": "Camille Dubois ..."},
        {"lang": "de", "text": "12", "gold": "12"},
    ]
    done = run("-", given=lines(rows))
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["language"] for row in told] == ["de", "en", "ru", None]
    assert [row["language_share"] for row in told] == [1, 0, 1, 0]


def test_rows_stream():
    command = [sys.executable, "-m", "components.cli", "verify", "-", "--no-language"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for row, verdict in zip(ROWS, VERDICTS, strict=True):
            process.stdin.write(lines([row]))
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == row | verdict
        process.stdin.close()
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "not a JSON row"), ("[1]", "not an object; write one with `lang`, `text` and `gold`"),
        ('{"text": "1", "gold": "1"}', "`lang` must be a string"),
        ('{"lang": "en", "text": 1, "gold": "1"}', "`text` must be a string"),
        ('{"lang": "en", "text": "1"}', "`gold` is missing; write null where nobody knows it"),
        ('{"lang": "en", "text": "1", "gold": true}', "`gold` must be a string, a number or null"),
        ('{"lang": "en", "text": "1", "gold": "A", "choices": "x"}', "`choices` must be a list of at most 10 strings"),
        ('{"lang": "en", "text": "1", "gold": "1", "prompt": 3}', "`prompt` must be a string"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_those_before_it_are_kept(tmp_path, line, told):
    path = tmp_path / "rows.jsonl"
    path.write_text(lines(ROWS[:1]) + "\n" + line + "\n")
    done = run(path, "--no-language")
    assert done.returncode == 1
    assert done.stderr.startswith(f"pb-rlsvr: {path}:3: {told}")
    assert done.stderr.count("\n") == 1
    assert json.loads(done.stdout) == ROWS[0] | VERDICTS[0]


def test_a_gold_that_is_none_leaves_the_row_unjudged_and_is_counted(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(lines([ROWS[0] | {"gold": "twelve"}, ROWS[0]]))
    done = run(path, "--no-language")
    assert done.returncode == 0
    assert [json.loads(line)["correct"] for line in done.stdout.splitlines()] == [None, True]
    assert f"{path}: 1 of 2 golds, the first 'twelve', are no number" in done.stderr


def test_a_missing_file_is_named(tmp_path):
    done = run(tmp_path / "none.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"pb-rlsvr: {tmp_path}/none.jsonl: No such file or directory; give a JSONL file, or - for standard input\n"
    )


def test_whoever_reads_may_stop(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(lines(ROWS * 5000))
    command = f"{sys.executable} -m components.cli verify {path} --no-language | head -1"
    shell = ["bash", "-c", f"set -o pipefail; {command}"]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_worker_ends_with_the_command(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(lines([{"lang": "en", "text": r"\boxed{\sqrt{16}}", "gold": "4"}]))
    marked = os.environ | {"PBRLSVR_TEST_MARK": str(tmp_path)}
    command = [sys.executable, "-m", "components.cli", "verify", str(path), "--no-language"]
    done = subprocess.run(command, capture_output=True, text=True, env=marked, check=False)
    assert json.loads(done.stdout)["correct"] is True
    wait_until_gone(
        lambda: [int(path.name) for path in Path("/proc").glob("[0-9]*") if is_marked(path, str(tmp_path))], 10
    )


def is_marked(process, mark):
    try:
        return f"PBRLSVR_TEST_MARK={mark}".encode() in (process / "environ").read_bytes()
    except OSError:
        return False
