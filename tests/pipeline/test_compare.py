"""The comparison by training on the tiny model: its parts, its table, and what is trained again."""

import json
import os
import signal
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.pipeline.conftest import run, start
from tests.processes import pids_in, python_of, wait_until, wait_until_gone

pytestmark = pytest.mark.slow


def test_arms_are_trained_and_compared_and_trained_again_only_where_something_changed(clone: Path):
    (clone / "metrics/train.json").unlink(missing_ok=True)  # of a tree in which the pipeline has run
    params = yaml.safe_load((clone / "params.yaml").read_text())
    params["compare"] |= {"run": ["random", "shuffled"], "seeds": [17]}
    (clone / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    printed = run(clone, "-m", "components.cli", "compare")
    assert "was not asked: no arm hybrid" in " ".join(printed.split())
    metrics = json.loads((clone / "metrics/compare.json").read_text())
    assert set(metrics["arms"]) == {"random", "shuffled", "warmup"}
    assert metrics["arms"]["random"]["tokens_sampled"] > 0
    assert not (clone / "metrics/train.json").exists(), "the pipeline's own training is not part of it"
    adapters = {
        arm: (clone / f"data/compare/{arm}-17/adapter/adapter_model.safetensors").read_bytes()
        for arm in ("warmup", "random")
    }
    assert adapters["random"] != adapters["warmup"]
    (start,) = clone.glob("data/compare/random-17/rate-*/start/adapter_model.safetensors")
    assert start.read_bytes() == adapters["warmup"], "every arm starts from its seed's warm-up"

    receipts = {path: path.read_text() for path in (clone / "runs/compare").glob("*.json")}
    assert sorted(path.stem for path in receipts) == ["base", "random-17", "shuffled-17", "warmup-17"]
    params["compare"]["run"] = ["random"]
    (clone / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    run(clone, "-m", "components.cli", "compare")
    assert {path: path.read_text() for path in receipts} == receipts, "nothing is trained again"
    assert set(json.loads((clone / "metrics/compare.json").read_text())["arms"]) == {"random", "warmup"}


def test_other_methods_rates_and_budgets(clone: Path):
    """PPO with two passes, RAFT, supervised steps, two rates of which validation takes one, a budget in tokens."""
    params = yaml.safe_load((clone / "params.yaml").read_text())
    rates = {"train.learning_rate": [1e-5, 1e-3]}
    without_bound = {"train.max_tokens": 0} | rates
    arms = {
        "ppo": {"train.method": "ppo", "train.epochs": 2} | without_bound,
        "sft": {"train.method": "sft", "train.validate_every": 5} | rates,
        "raft": {"train.method": "raft", "train.raft_min_reward": None, "train.lessons_per_step": 4} | without_bound,
    }
    own = {"run": list(arms), "seeds": [17], "max_tokens": 1, "arms": arms, "pools": {"both": ["sft", "raft"]}}
    params["compare"] |= own
    (clone / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    run(clone, "-m", "components.cli", "compare")
    ppo, sft, raft = (json.loads((clone / f"metrics/compare/{arm}-17.json").read_text()) for arm in arms)
    assert json.loads((clone / "metrics/compare.json").read_text())["pools"]["both"]["arms"] == ["sft", "raft"]
    for own in (ppo, sft, raft):
        assert set(own["tried"]) == {"1e-05", "0.001"}
        best = max(own["tried"].values())
        assert own["tried"][f"{own['learning_rate']:g}"] == best
        assert own["tokens_learned"] > 0
    assert (ppo["method"], ppo["steps"], sorted(ppo["validation"])) == ("ppo", 2, ["0", "1", "2"])
    assert (sft["method"], sft["steps"], sft["tokens_sampled"]) == ("sft", 1, 0)
    assert sorted(sft["validation"]) == ["0", "1"], "the last step is validated, whenever the budget ends it"
    assert (raft["method"], raft["steps"]) == ("raft", 2)
    assert raft["tokens_sampled"] > 0
    lessons = pd.read_parquet(next(clone.glob("data/compare/raft-17/rate-*/completions.parquet")))
    assert set(lessons["lang"]) == {"en", "es"}, "the English references, and rollouts"
    assert (lessons["lang"] == "en").sum() == raft["num_english_lessons"]
    adapter = (
        clone / f"data/compare/ppo-17/rate-{ppo['learning_rate']:g}/trained/adapter_model.safetensors"
    ).read_bytes()
    assert (clone / "data/compare/ppo-17/adapter/adapter_model.safetensors").read_bytes() == adapter


def test_several_jobs_at_once_make_what_one_makes(clone: Path):
    """Two arms at once, each with one thread; stopped on the way, no process is left."""
    params = yaml.safe_load((clone / "params.yaml").read_text())
    arms = {"one": {"reward.function": "random"}, "two": {"reward.function": "form"}}
    params["compare"] |= {"run": list(arms), "seeds": [17], "max_tokens": 0, "arms": arms, "pools": {}}
    (clone / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    process = start(clone, "-m", "components.cli", "compare", "--jobs", "2")
    wait_until(lambda: all(python_of(clone, f"components.compare {arm} 17") for arm in arms), 300)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate()
    wait_until_gone(lambda: pids_in(clone), 10)

    run(clone, "-m", "components.cli", "compare", "--jobs", "2", OMP_NUM_THREADS="1")
    began = {arm: json.loads((clone / f"runs/compare/{arm}-17.json").read_text()) for arm in arms}
    starts = {arm: datetime.fromisoformat(told["started"]) for arm, told in began.items()}
    ends = {arm: starts[arm] + timedelta(seconds=told["seconds"]) for arm, told in began.items()}
    assert max(starts.values()) < min(ends.values()), "both were at work at once"
    adapters = {arm: clone / f"data/compare/{arm}-17/adapter/adapter_model.safetensors" for arm in arms}
    together = {arm: path.read_bytes() for arm, path in adapters.items()}
    status = run(clone, "dvc", "status", "compare/dvc.yaml")
    assert "up to date" in status

    run(clone, "dvc", "repro", "-s", "-f", "compare/dvc.yaml:arm@two-17", OMP_NUM_THREADS="1")
    assert adapters["two"].read_bytes() == together["two"], "the same bytes as alone"


def test_an_arm_that_is_not_there_is_told_in_one_line(clone: Path):
    told = run(clone, "-m", "components.compare", "nope", "17", status=1)
    assert told.strip() == "pb-rlsvr compare: params.yaml: `compare.arms` has no `nope`"
