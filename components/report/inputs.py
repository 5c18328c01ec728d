"""Everything the report is made from, read and checked at once."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from components.contracts import ContractError, Prediction, Question, read_records, read_table
from components.contracts.records import System
from components.promotion.adapter import ADAPTER, adapter_sha256

PREDICTIONS = Path("data/evaluate/predictions.parquet")
TEST = Path("data/problems/test.jsonl")
CURVE = Path("plots/train.csv")
METRICS = Path("metrics")
SYSTEMS: tuple[System, ...] = get_args(System)

CurveRow = Mapping[str, float | None]


@dataclass(frozen=True)
class Inputs:
    """What earlier stages have left."""

    predictions: Sequence[Prediction]
    questions: Mapping[tuple[str, str], Question]
    """By problem and language; holds every predicted question."""
    curve: Sequence[CurveRow]
    """One row a training step; None where the step has no value (validation)."""
    models: Mapping[str, Any]
    reference: Mapping[str, Any]
    calibrate: Mapping[str, Any]
    train: Mapping[str, Any]
    audit: Mapping[str, Any]
    evaluate: Mapping[str, Any]
    adapter_sha256: str
    """Of the trained adapter, which all of this is about."""

    @property
    def languages(self) -> frozenset[str]:
        """Languages that were evaluated."""
        return frozenset(row.lang for row in self.predictions)

    @property
    def num_problems(self) -> int:
        """Test problems that were asked."""
        return len({row.problem_id for row in self.predictions})

    @property
    def num_without_gold(self) -> int:
        """Those of them whose answer nobody knows: they count in no accuracy."""
        return len({row.problem_id for row in self.predictions if row.correct is None})


def read_inputs() -> Inputs:
    """Read the files.

    Raises:
        PipelineError: A file is missing or broken, or predictions and test questions do not belong together.
    """
    names = ("models", "reference", "calibrate", "train", "audit", "evaluate")
    metrics = {name: _read_json(METRICS / f"{name}.json") for name in names}
    predictions = read_table(PREDICTIONS, Prediction)
    questions = {(q.problem_id, q.lang): q for q in read_records(TEST, Question)}
    _check(predictions, questions)
    return Inputs(predictions, questions, _read_curve(CURVE), adapter_sha256=adapter_sha256(ADAPTER), **metrics)


def _check(predictions: Sequence[Prediction], questions: Mapping[tuple[str, str], Question]) -> None:
    asked = {system: {(r.problem_id, r.lang) for r in predictions if r.system == system} for system in SYSTEMS}
    for system in SYSTEMS:
        if not asked[system]:
            raise ContractError(f"{PREDICTIONS}: no rows of system `{system}`; run `dvc repro evaluate`")
        if asked[system] != asked["base"]:
            raise ContractError(f"{PREDICTIONS}: `{system}` and `base` answered different questions; evaluate again")
    if len(predictions) != sum(len(keys) for keys in asked.values()):
        raise ContractError(f"{PREDICTIONS}: a system answers a question twice; evaluate again")
    for problem, lang in sorted(asked["base"] - questions.keys()):
        raise ContractError(f"{PREDICTIONS}: problem `{problem}` in `{lang}` is not in {TEST}; evaluate again")


def _read_json(path: Path) -> Any:  # noqa: ANN401 - a stage's metrics, nested as the stage likes
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}; run the stage that writes it (`dvc repro`)") from None
    except ValueError as error:
        raise ContractError(f"{path}: not readable as JSON ({error}); run `dvc repro {path.stem}`") from None


def _read_curve(path: Path) -> list[CurveRow]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [{key: float(value) if value else None for key, value in row.items()} for row in rows]
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}; run `dvc repro train`") from None
    except ValueError as error:
        raise ContractError(f"{path}: {error}; run `dvc repro train`") from None
