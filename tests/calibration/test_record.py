"""The record on disk: what is written is read back, and what is broken is named in one line."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from components.calibration.maps import fit_maps
from components.calibration.record import Calibration
from components.calibration.weights import cross_fit, fit_weights
from components.contracts import ContractError
from tests.calibration.simulation import NAMES, simulate


def calibration(**changes):
    rollouts = simulate(0, 20)
    index = cross_fit(*rollouts, NAMES, num_folds=4, seed=0, l2=1.0)
    maps = fit_maps(index, rollouts.labels, rollouts.langs, rollouts.groups, min_rows=100, shrinkage=10)
    fields = {
        "reward": "semantic", "terms": NAMES, "weights_status": "fitted",
        "weights": fit_weights(*rollouts, NAMES, l2=1), "maps": maps,
        "label_source": "half B vote", "num_rows": 180, "num_questions": 20, "encoder": "use-v3",
        "encoder_fingerprint": "0123456789abcdef", "created_from": {"references": "fedcba9876543210"},
    }  # fmt: skip
    return Calibration(**(fields | changes))


def test_what_is_written_is_read_and_scores_the_same(tmp_path):
    written, rollouts = calibration(), simulate(5, 10)
    (tmp_path / "bank.safetensors").write_bytes(b"others'")
    written.write(tmp_path)
    read = Calibration.read(tmp_path)
    assert read == written
    before, after = (
        one.maps(one.weights.index(rollouts.terms, rollouts.langs), rollouts.langs) for one in (written, read)
    )
    assert (before == after).all()
    assert np.ptp(before) > 0.5
    assert (tmp_path / "bank.safetensors").read_bytes() == b"others'"


def test_a_reward_without_fitted_weights_has_none(tmp_path):
    fixed = calibration(weights_status="not identifiable", weights=None)
    fixed.write(tmp_path)
    assert Calibration.read(tmp_path) == fixed


@pytest.mark.parametrize(
    "changes", [{"weights": None}, {"weights_status": "not identifiable"}, {"terms": ("answer",)}, {"extra": 1}]
)
def test_a_record_that_contradicts_itself_is_refused(changes):
    with pytest.raises(ValidationError):
        calibration(**changes)


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(ContractError, match=r"calibration\.json: No such file.*dvc repro"):
        Calibration.read(tmp_path)
    calibration().write(tmp_path)
    path = tmp_path / "calibration.json"
    content = json.loads(path.read_text())
    content["maps"]["pooled"]["y"][0] = 1.5
    path.write_text(json.dumps(content))
    with pytest.raises(
        ContractError, match=r"calibration\.json: field `maps\.pooled\.y\.0`: Input should be less"
    ) as e:
        Calibration.read(tmp_path)
    assert "\n" not in str(e.value)
    path.write_text("{")
    with pytest.raises(ContractError, match=r"calibration\.json: field `file`: Invalid JSON"):
        Calibration.read(tmp_path)
    path.write_text(json.dumps(content | {"schema_version": 2}))
    with pytest.raises(ContractError, match="schema_version"):
        Calibration.read(tmp_path)
