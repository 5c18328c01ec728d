"""Names out of data, set-ups and listings that try to be paths: nothing outside their folder is read or written."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from components.benchmarks.rows import read_rows
from components.benchmarks.setup import FOLDER, load_setup
from components.contracts import PipelineError
from components.environment import child_environment
from components.journal import Journal
from components.params import ColumnsParams, SourceParams, load_params
from components.problems.sources import read_source
from components.tracking import numbers, tracked_run
from components.verify import verify_file
from tests.architecture.imports import ROOT
from tests.security.conftest import at_most_one_line, one_line
from tests.security.hostile import plain

ESCAPES = ["../escaped", "../../escaped", "/escaped", "a/../../escaped", "..", "a\0b", "~/escaped", "file:///escaped"]


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that work is done in; around it nothing may change."""
    folder = tmp_path / "outer" / "inside"
    folder.mkdir(parents=True)
    (tmp_path / "outer" / "escaped").write_text('{"question": "secret", "answer": "1"}\n')
    monkeypatch.chdir(folder)
    before = around(tmp_path, folder)
    yield folder
    assert around(tmp_path, folder) == before
    assert not Path("/escaped").exists()


def around(root: Path, inside: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and inside not in path.parents)
    return {str(path): path.read_bytes() for path in files}


def rows_of(path: Path, **values: object) -> SourceParams:
    """A table with one row."""
    path.write_text(json.dumps({"question": "1 + 1?", "answer": "2", **values}) + "\n")
    columns = ColumnsParams(question="question", answer="answer", id="id", lang="lang")
    return SourceParams(format="table", path=str(path), columns=columns)


@pytest.mark.parametrize("name", ESCAPES)
def test_ids_and_codes_of_rows_are_no_paths(inside: Path, name: str) -> None:
    (problem,) = read_source(rows_of(inside / "rows.jsonl", id=name, lang="en"))
    assert problem.key == name
    at_most_one_line(lambda: read_source(rows_of(inside / "rows.jsonl", id="1", lang=name)))
    assert {path.name for path in inside.iterdir()} == {"rows.jsonl"}


@pytest.mark.parametrize("name", ESCAPES)
def test_codes_of_answers_are_no_paths(inside: Path, name: str) -> None:
    row = {"lang": name, "text": "The answer is 5.", "gold": "5"}
    (inside / "rows.jsonl").write_text(json.dumps(row) + "\n")
    with (inside / "out").open("wb") as out:
        at_most_one_line(lambda: verify_file(inside / "rows.jsonl", out, with_language=True))
    assert {path.name for path in inside.iterdir()} == {"rows.jsonl", "out"}


def test_a_code_leads_to_no_file_of_babels(inside: Path, mark: Path) -> None:
    """Babel keeps its languages as pickles."""
    import babel.localedata

    plain(inside / "evil.dat", mark)
    away = os.path.relpath(inside / "evil", Path(babel.localedata.__file__).parent / "locale-data")
    for name in (away, away.replace("/", os.sep), str(inside / "evil"), "evil"):
        (inside / "rows.jsonl").write_text(json.dumps({"lang": name, "text": "1.234", "gold": "1234"}) + "\n")
        with (inside / "out").open("wb") as out:
            verify_file(inside / "rows.jsonl", out, with_language=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", ESCAPES)
def test_figures_named_after_data_stay_in_their_run(repository: Path, all_runs: Any, name: str) -> None:
    found = numbers("problems", {"families": {name: {"n": 1, name: 2}}, name: 3})
    with tracked_run("problems", {}) as run:
        run.log_metrics(found)
    (logged,) = all_runs()
    assert logged.data.metrics == found
    for key in found:
        assert not {"", ".", ".."} & set(key.split("/"))
    assert not list(repository.rglob("*escaped*"))


@pytest.mark.parametrize("key", ESCAPES)
def test_a_journals_keys_are_no_paths(inside: Path, key: str) -> None:
    journal = Journal("stage", "fingerprint")
    journal.append(key, [])
    assert key in journal
    journal.release()
    names = {path.relative_to(inside).as_posix() for path in inside.rglob("*") if path.is_file()}
    assert names == {".checkpoints/stage.lock", ".checkpoints/stage/fingerprint/journal.jsonl"}


def mine(folder: Path, **values: object) -> str:
    """A user's set-up; its file's name."""
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"like": "xcopa", **values}))
    return str(path)


@pytest.mark.parametrize("pattern", [*ESCAPES[:5], "../*", "a\0b", "{lang}/../../escaped", "{lang}"])
def test_a_set_ups_files_lie_in_the_source(inside: Path, pattern: str) -> None:
    (inside / "source").mkdir()
    lang = "../../escaped"
    setup = load_setup(mine(inside, files={"test": [pattern]}, languages={lang: {"cause": "a", "effect": "b"}}))
    with pytest.raises(PipelineError, match=r"mine: `files`: .* leads out of .*source"):
        read_rows(setup, inside / "source", lang, "test")


@pytest.mark.parametrize("name", [name for name in ESCAPES if "/" in name or "\0" in name])
def test_a_set_ups_name_is_no_path(inside: Path, name: str) -> None:
    with pytest.raises(PipelineError, match=r"mine\.yaml: `name`"):
        load_setup(mine(inside, name=name))


@pytest.mark.parametrize("like", [*ESCAPES, os.path.relpath("/tmp/x", FOLDER), {"a": 1}])  # noqa: S108
def test_a_set_up_is_like_a_known_one(inside: Path, like: object) -> None:
    with pytest.raises(PipelineError, match=r"mine\.yaml: ") as caught:
        load_setup(mine(inside, like=like))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ESCAPES)
def test_an_arm_is_no_path(tmp_path: Path, name: str) -> None:
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["compare"]["arms"][name] = {"train.steps": 1}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(PipelineError, match=r"compare\.arms"):
        load_params(tmp_path / "params.yaml")


def test_a_data_sets_card_names_no_file_outside(inside: Path) -> None:
    folder = inside / "data"
    folder.mkdir()
    (folder / "train.jsonl").write_text('{"question": "mine", "answer": "1"}\n')
    (inside.parent / "escaped.jsonl").write_text('{"question": "secret", "answer": "1"}\n')
    for outside in ("../../escaped.jsonl", str(inside.parent / "escaped.jsonl")):
        card = {"configs": [{"config_name": "default", "data_files": [{"split": "train", "path": outside}]}]}
        (folder / "README.md").write_text(f"---\n{yaml.safe_dump(card)}---\n")
        source = SourceParams(
            format="hub", path=str(folder), split="train", columns=ColumnsParams(question="question", answer="answer")
        )
        assert "its card names " in one_line(lambda: read_source(source))  # noqa: B023 - called at once
    (inside.parent / "escaped.jsonl").unlink()


class Listing(BaseHTTPRequestHandler):
    """A hub whose model lists files outside its folder."""

    commit = "a" * 40
    paths = ("../../../../escaped.json", "/escaped.json", "a/../../../../../escaped.json", "config.json")

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def answer(self, with_body: bool) -> None:
        told: Any = {"harm": True}
        if "/tree/" in self.path:
            told = [{"type": "file", "path": path, "size": 14, "oid": "b" * 40} for path in self.paths]
        elif self.path.startswith("/api/"):
            told = {"id": "some/body", "sha": self.commit, "siblings": []}
        body = json.dumps(told).encode()
        self.send_response(200)
        for name, value in {"ETag": '"c"', "X-Repo-Commit": self.commit, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


RESOLVE = """
from pathlib import Path
from components.contracts import PipelineError
from components.models.resolve import resolve
try:
    resolve("policy", "some/body", Path("packaged"))
except PipelineError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_hubs_listing_names_no_file_outside(inside: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listing)
    Thread(target=server.serve_forever, daemon=True).start()
    home = inside / "a/b/c/hub"
    environment = child_environment() | {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}", "HF_HOME": str(home), "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", RESOLVE], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    server.shutdown()
    server.server_close()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "params.yaml: `models.policy`: `some/body` is no folder here and the hub does not give it"
    )
    assert len(done.stdout.splitlines()) == 1
    assert not [path for path in inside.rglob("*escaped*") if home not in path.parents]
