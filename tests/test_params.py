"""params.yaml as a typed view: everything that is wrong is told at once, by key."""

from pathlib import Path

import pytest
import yaml

from components.contracts import PipelineError
from components.params import load_params

ROOT = Path(__file__).parents[1]
GOOD = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
ARMS = GOOD["compare"]["arms"]
GONE = object()
SPLITS = ("shots", "pivot_shots", "train", "calibration", "validation", "test")
HUB = {"format": "hub", "path": "openai/gsm8k", "split": "test", "columns": {"question": "question"}}


def with_changes(changes):
    values = {name: dict(section) for name, section in GOOD.items()}
    for key, value in changes.items():
        section, _, name = key.partition(".")
        holder, name = (values[section], name) if name else (values, section)
        if value is GONE:
            del holder[name]
        else:
            holder[name] = value
    return values


def complaints(folder, changes):
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(with_changes(changes)))
    with pytest.raises(PipelineError) as caught:
        load_params(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def test_the_repositorys_file_loads_with_its_values():
    params = load_params(ROOT / "params.yaml")
    assert params.model_dump() == GOOD


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"train.stepz": 3}, "unknown key `train.stepz`; remove it or correct its spelling"),
        ({"deploy": {}}, "unknown key `deploy`; remove it or correct its spelling"),
        ({"train.steps": GONE}, "missing key `train.steps`"),
        ({"report": GONE}, "missing key `report`"),
        ({"train.group_size": 1}, "`train.group_size`: Input should be greater than or equal to 2 (got 1)"),
        ({"sampling.temperature": 0}, "`sampling.temperature`: Input should be greater than 0 (got 0)"),
        ({"report.confidence": 1}, "`report.confidence`: Input should be less than 1 (got 1)"),
        ({"base.seed": 2**31}, "`base.seed`: Input should be less than 2147483648 (got 2147483648)"),
        ({"reward.advantage_std_floor": 0}, "`reward.advantage_std_floor`: Input should be greater than 0 (got 0)"),
        ({"sampling.top_k": 6.5}, "`sampling.top_k`: Input should be a valid integer"),
        ({"train.steps": "30"}, "`train.steps`: Input should be a valid integer"),
        ({"train.learning_rate": "2e-5"}, "`train.learning_rate`: Input should be a valid number (got '2e-5'); YAML"),
        ({"base.seed": True}, "`base.seed`: Input should be a valid integer"),
        (
            {"problems.sources": dict.fromkeys(SPLITS, "built-in") | {"train": "gsm8k"}},
            "`problems.sources.train`: Input should be 'built-in' (got 'gsm8k')",
        ),
        (
            {"problems.sources": dict.fromkeys(SPLITS, "built-in") | {"train": {"format": "gsm8k"}}},
            "missing key `problems.sources.train.path`",
        ),
        (
            {"problems.sources": dict.fromkeys(SPLITS, "built-in") | {"test": {"format": "table", "path": "my.csv"}}},
            "`problems.sources.test`: `columns` goes with the formats table and hub, which need it, and with no other",
        ),
        (
            {"problems.sources": dict.fromkeys(SPLITS, "built-in") | {"test": HUB | {"split": None}}},
            "`problems.sources.test`: `split`, `config` and `revision` go with the format hub, which needs",
        ),
        ({"reference.num_samples": 1}, "`reference.num_samples`: Input should be greater than or equal to 2 (got 1)"),
        ({"models.policy": ""}, "`models.policy`: String should have at least 1 character (got '')"),
        ({"models.policy": 270}, "`models.policy`: Input should be a valid string (got 270)"),
        ({"models.dtype": "float16"}, "`models.dtype`: Input should be 'auto', 'bfloat16' or 'float32'"),
        ({"base.languages": ["es", "de", "ru", "zh", "sw"]}, "`base`: languages must contain `en`"),
        ({"base.trained_languages": ["es", "fi", "it"]}, "`base`: trained_languages not in languages: fi, it"),
        ({"base.languages": GOOD["base"]["languages"] + ["en"]}, "`base`: languages must not repeat"),
        ({"base.languages": "en"}, "`base.languages`: Input should be a valid list"),
        ({"base.trained_languages": []}, "`base.trained_languages`: List should have at least 1 item"),
        ({"reward.answer_weight": 0.6}, "`reward`: answer_weight + semantic_weight must be 1"),
        ({"reward.answer_weight": float("nan")}, "`reward.answer_weight`: Input should be"),
        ({"train.silent_groups": "drop"}, "`train.silent_groups`: Input should be 'skip' or 'resample' (got 'drop')"),
        ({"calibrate.num_problems": 99}, "`file`: calibrate.num_problems must not exceed problems.num_calibration"),
        ({"problems.num_pivot_shots": 2}, "`file`: reference.num_shots must not exceed problems.num_pivot_shots"),
        ({"train.language_shares": {"fr": 2.0}}, "`file`: train.language_shares: fr not in base.trained_languages"),
        (
            {"train.method": "sft", "train.sft_references": "translated"},
            "`file`: train.sft_references: translated needs `reward.translator`",
        ),
        (
            {"reward.function": "embedding"},
            "`file`: train.raft_min_reward: `embedding` has no value that only right responses reach; null takes those "
            "above their group's mean",
        ),
        (
            {"train.method": "ppo", "train.silent_groups": "resample"},
            "`train`: silent_groups: resample goes with grpo and rloo; to ppo a group is nothing, raft asks once",
        ),
        (
            {"train.method": "raft", "train.sampler": "vllm"},
            "`train`: sampler: vllm goes with grpo, rloo and ppo; raft has its own (sampler: own)",
        ),
        (
            {"train.method": "grpo", "train.sampler": "vllm", "train.sampling_copy": False},
            "`train`: sampling_copy: false goes with sampler: own; vllm is sent the copy's weights",
        ),
        (
            {"train.method": "ppo", "train.num_processes": 2},
            "`train`: num_processes: ppo takes one; its value head is in no other process",
        ),
        ({"compare.seeds": [17, 17]}, "`compare`: compare.seeds must not repeat"),
        ({"compare.pools": {"odd": ["hybird"]}}, "`compare`: compare.pools.odd: no arm `hybird` in compare.arms"),
        ({"compare.pools": {"odd": ["gold", "gold"]}}, "`compare`: compare.pools.odd must not repeat"),
        (
            {"compare.arms": ARMS | {"hybrid": {"train.learning_rate": [1e-4, 1e-4]}}},
            "`compare`: compare.arms.hybrid: train.learning_rate must not repeat",
        ),
        (
            {"compare.arms": ARMS | {"hybrid": {"train.learning_rate": []}}},
            "`compare`: compare.arms.hybrid: train.learning_rate must not be empty",
        ),
        (
            {"compare.arms": ARMS | {"hybrid": {"train.learning_rate": [1e-4, 0.0]}}},
            "compare.arms.hybrid: `train.learning_rate`: Input should be greater than 0 (got 0.0)",
        ),
        (
            {"compare.arms": ARMS | {"hybrid": {"train.seed": 3}}},
            "compare.arms.hybrid: `train.seed`: every arm has the seeds of `compare.seeds`",
        ),
        (
            {"compare.arms": ARMS | {"hybrid": {"train.lora_rank": 64}}},
            "compare.arms.hybrid: `train.lora_rank`: all arms go on from one warm-up, which it would have to change; "
            "change `train` itself, or give the arm `train.warmup_steps: 0`",
        ),
        (
            {"compare.arms": ARMS | {"hybrid": {"train.warmup_steps": 96}}},
            "compare.arms.hybrid: `train.warmup_steps`: all arms go on from one warm-up, which it would have to change",
        ),
        ({"evaluate": 64}, "`evaluate`: Input should be a valid dictionary"),
    ],
)
def test_one_wrong_thing_is_told_in_one_line(tmp_path, changes, complaint):
    (line,) = complaints(tmp_path, changes)
    assert line.startswith(complaint)


def test_everything_wrong_is_told_at_once(tmp_path):
    changes = {
        "train.stepz": 3, "train.steps": GONE, "reward.answer_weight": 7, "base.seed": -1, "evaluate.batch_size": None,
    }  # fmt: skip
    lines = complaints(tmp_path, changes)
    assert sorted(line.split("`")[1] for line in lines) == sorted(changes)


def test_an_arm_has_the_comparisons_budget_unless_it_has_its_own(tmp_path):
    path = tmp_path / "params.yaml"
    arms = {"short": {"train.max_tokens": 5}, "other": {"train.learning_rate": [1e-5, 1e-4]}}
    own = {"compare.max_tokens": 70, "compare.arms": arms, "compare.run": ["other"], "compare.pools": {}}
    path.write_text(yaml.safe_dump(with_changes(own)))
    compare = load_params(path).compare
    assert compare.trials("short") == [{"train.max_tokens": 5}]
    assert compare.trials("other") == [{"train.max_tokens": 70, "train.learning_rate": rate} for rate in (1e-5, 1e-4)]


@pytest.mark.parametrize("text", ["base: [unclosed", "a: b: c", "\tbase:"])
def test_a_file_that_is_no_yaml_is_one_line(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(PipelineError) as caught:
        load_params(path)
    assert str(caught.value).startswith(f"{path}: not readable as YAML: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "just words", "- 1\n- 2"])
def test_yaml_that_holds_no_sections_is_one_line(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(PipelineError) as caught:
        load_params(path)
    assert str(caught.value).startswith(f"{path}: `file`: Input should be a valid dictionary")
    assert "\n" not in str(caught.value)


def test_broken_utf8_and_a_missing_file_are_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    with pytest.raises(PipelineError, match=r"params\.yaml: No such file or directory; run from the repository's root"):
        load_params(path)
    path.write_bytes(b"base: ni\xf1o")
    with pytest.raises(PipelineError, match=r"params\.yaml: not readable as YAML: .*utf-8"):
        load_params(path)
