"""Hashes computed again: ours are DVC's, and one changed byte is told."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.lineage.find import find
from components.lineage.records import Lineage
from components.lineage.verify import verify
from components.tracking import Lookup
from tests.flows.conftest import start
from tests.lineage.conftest import WEIGHTS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("passed")]

NESTED = Path("data/calibrate/calibration/más/b.txt")


def others() -> dict[str, str]:
    """What is not equal, by name."""
    found = find("pb-rlsvr@champion", Lookup())
    assert isinstance(found, Lineage)
    checks = verify(found)
    assert {"components/part", "sources", "data/reference/references.jsonl", "data/calibrate/calibration",
            "adapters/trained", "metrics/train.json", "runs/train.json", "parameters of train", "dvc.lock",
            f"{WEIGHTS} as pb-rlsvr/1"} <= {check.name for check in checks}  # fmt: skip
    return {check.name: check.outcome for check in checks if check.outcome != "equal"}


@pytest.fixture
def restored(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The file that the test may change."""
    path: Path = request.param
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def test_all_are_equal_after_a_pass() -> None:
    assert others() == {}


@pytest.mark.parametrize(
    ("restored", "names"),
    [
        (NESTED, ["data/calibrate/calibration"]),
        (Path("data/reference/references.jsonl"), ["data/reference/references.jsonl"]),
        (Path("components/part/deeper/code.py"), ["components/part"]),
        (WEIGHTS, ["adapters/trained", f"{WEIGHTS} as pb-rlsvr/1"]),
        (Path("dvc.lock"), ["dvc.lock"]),
    ],
    indirect=["restored"],
)
def test_a_changed_byte_is_told(restored: Path, names: list[str]) -> None:
    content = restored.read_bytes()
    restored.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert others() == dict.fromkeys(names, "differs")


@pytest.mark.parametrize("restored", [Path("data/reference/references.jsonl"), Path("dvc.lock")], indirect=True)
def test_a_missing_file_is_told(restored: Path) -> None:
    restored.unlink()
    assert others() == {str(restored): "missing"}


@pytest.mark.parametrize("restored", [Path("params.yaml")], indirect=True)
def test_another_value_is_told_for_the_stages_that_take_it(restored: Path) -> None:
    text = restored.read_text()
    restored.write_text(text.replace("min_agreement: ", "min_agreement: 0.9 # "))
    assert others() == {"parameters of reference": "differs"}


def run(*arguments: str) -> tuple[int, str]:
    process = start("-m", "components.cli", "lineage", *arguments)
    output, _ = process.communicate()
    return process.returncode, output


def test_the_command_prints_it_all() -> None:
    status, output = run("--verify")
    assert status == 0, output
    lines = [line.split() for line in output.splitlines()]
    assert ["equal", "adapters/trained"] in lines
    for beginning in ("Reference set: data/reference/references.jsonl ", "Calibration: data/calibrate/calibration ",
                      "Prefect flow run ", "Registered: pb-rlsvr/1 @champion"):  # fmt: skip
        assert [line for line in output.splitlines() if line.startswith(beginning)], beginning
    (train,) = (line for line in lines if line[:1] == ["train"])
    assert "reused" in train
    (out,) = (line for line in lines if line[:1] == ["data/reference/references.jsonl"])
    assert out[2:] == ["reference", "calibrate,", "train"]

    status, output = run("HEAD")
    assert status == 0
    assert "Adapter: adapters/trained " in output


@pytest.mark.parametrize("restored", [NESTED], indirect=True)
def test_the_command_ends_with_1_where_something_differs(restored: Path) -> None:
    restored.unlink()
    status, output = run("--verify", "--json")
    assert status == 1
    told = json.loads(output[output.index("{") : output.rindex("}") + 1])
    outcomes = {check["name"]: check["outcome"] for check in told["checks"]}
    assert outcomes["data/calibrate/calibration"] == "differs"
    assert [line for line in output.splitlines() if line.startswith("pb-rlsvr: 1 of ")]
    status, output = run("HEAD", "--verify")
    assert (status, len(output.splitlines())) == (1, 1)
