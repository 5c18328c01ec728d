"""The plan: sizes as published, what is kept for the backward pass as it is, work in proportion, profiles that load."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from typer.testing import CliRunner

from components.cli import app
from components.lora import fuse
from components.params import load_params
from components.plan.cost import data_sheet, disk_bytes, memory_bytes, seconds, this_machine
from components.plan.profiles import read_profile, use_profile, with_profile
from components.plan.shape import read_shape, saved_bytes
from components.plan.work import comparison_work, stage_work
from tests.tiny import tiny_gemma, tiny_llama, tiny_qwen

ROOT = Path(__file__).parents[2]
PROFILES = sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))


def lora(rank):
    return LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """A folder with the repository's parameters and profiles."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("profile", "num_parameters", "num_lora"),
    [  # as published; LoRA by hand: rank · Σ (in + out) over a layer's matrices · layers
        ("llama-3.1-8b", 8_030_261_248, 16 * 32 * (2 * 8192 + 2 * 5120 + 3 * 18432)),
        ("qwen3-32b", 32_762_123_264, 16 * 64 * (2 * (5120 + 8192) + 2 * (5120 + 1024) + 3 * 30720)),
        ("embedded", 268_098_176, 16 * 18 * (2 * (640 + 1024) + 2 * (640 + 256) + 3 * 2688)),
    ],
)
def test_sizes_are_the_published_ones(profile, num_parameters, num_lora):
    shape = read_shape(read_profile(profile)["config"], torch.bfloat16, lora(16))
    assert (shape.num_parameters, shape.num_lora) == (num_parameters, num_lora)
    tied = read_profile(profile)["config"]["tie_word_embeddings"]
    assert (shape.num_read == shape.num_parameters) == tied


@pytest.mark.parametrize("make", [tiny_gemma, tiny_llama, tiny_qwen])
def test_what_is_kept_for_the_backward_pass_is_what_a_real_model_keeps(make):
    model = make()
    shape = read_shape(model.config.to_dict(), torch.float32, lora(4))
    policy = get_peft_model(make(), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    fuse(policy)  # as it is trained
    assert shape.num_parameters == sum(p.numel() for p in make().parameters())
    assert shape.num_lora == sum(p.numel() for p in policy.parameters() if p.requires_grad)
    assert shape.saved_bytes_per_token * 256 == pytest.approx(saved_bytes(policy, 256), rel=0.15)


def test_a_token_in_the_cache_has_a_key_and_a_value_a_layer():
    shape = read_shape(read_profile("llama-3.1-8b")["config"], torch.bfloat16, lora(16))
    assert shape.cache_numbers == 2 * 32 * 8 * 128


def test_work_follows_the_parameters():
    params = load_params(ROOT / "params.yaml")
    own = {work.stage: work for work in stage_work(params, 100)}
    train, problems = params.train, params.problems
    asked = train.steps * train.prompts_per_step * train.group_size
    assert own["train: rollouts"].num_sampled == asked * train.raft_rounds, "at most"
    assert own["evaluate"].num_sampled == 3 * problems.num_test * len(params.base.languages)
    twice = params.with_values({"train.steps": 2 * train.steps, "train.warmup_steps": 0})
    once = params.with_values({"train.warmup_steps": 0})
    learned = [{w.stage: w for w in stage_work(p, 100)}["train: learning"].num_learned for p in (once, twice)]
    assert learned[1] == 2 * learned[0] > 0
    supervised = {w.stage: w for w in stage_work(params.with_values({"train.method": "sft"}), 100)}
    assert supervised["train: rollouts"].num_sampled == 0
    few_lessons = params.with_values({"train.lessons_per_step": 8})
    ranked, reinforced = (
        {w.stage: w for w in stage_work(few_lessons.with_values({"train.method": method}), 100)}
        for method in ("raft", "grpo")
    )
    rounds = params.train.raft_rounds
    assert ranked["train: rollouts"].num_sampled == rounds * reinforced["train: rollouts"].num_sampled
    assert ranked["train: learning"].num_learned < reinforced["train: learning"].num_learned


def test_a_comparison_trains_every_rate_of_every_arm_with_every_seed():
    params = load_params()
    arms = {"one": {}, "two": {"train.learning_rate": [1e-5, 1e-4], "train.steps": 3}}
    own = params.compare.model_copy(update={"run": ["one", "two"], "arms": arms, "seeds": [1, 2], "pools": {}})
    work = comparison_work(params.model_copy(update={"compare": own}), 100)
    counts = Counter(each.stage for each in work)
    assert counts == {
        "evaluate": 1 + 2 * 3, "train: warm-up": 2,
        "train: rollouts": 2 * 3, "train: learning": 2 * 3, "train: validation": 2 * 3,
    }  # fmt: skip
    alone = {each.stage: each for each in stage_work(params, 100)}
    assert {each.num_sampled * 3 for each in work if each.stage == "evaluate"} == {alone["evaluate"].num_sampled}
    learned = Counter(each.num_learned for each in work if each.stage == "train: learning")
    whole = alone["train: learning"].num_learned
    assert learned == {whole: 2, whole // params.train.steps * 3: 4}


def test_costs_grow_with_what_they_depend_on():
    params = load_params()
    shape = read_shape(read_profile("embedded")["config"], torch.float32, lora(16))
    memory = memory_bytes(shape, params, 4, 128)
    assert memory["base"] == 4 * shape.num_parameters
    more = memory_bytes(shape, params.with_values({"train.micro_batch_tokens": 10_000}), 4, 128)
    assert more["sampling or learning"] > memory["sampling or learning"]
    assert disk_bytes(shape, params, 2)["model"] == 2 * shape.num_parameters
    slow, fast = data_sheet("l40s"), data_sheet("h100")
    for work in stage_work(params, 128):
        assert seconds(work, shape, slow, 2, 128) > seconds(work, shape, fast, 2, 128) > 0


def test_less_is_kept_where_layers_are_computed_again_and_rollouts_come_from_the_policy():
    params = load_params().with_values({"train.micro_batch_tokens": 10_000})
    shape = read_shape(read_profile("qwen3-32b")["config"], torch.bfloat16, lora(16))
    saving = params.with_values({"train.activation_checkpointing": True, "train.sampling_copy": False})
    before, after = (memory_bytes(shape, own, 2, 128) for own in (params, saving))
    assert before["sampling copy"] == 2 * shape.num_adapted
    assert after["sampling copy"] == 0
    assert after["sampling or learning"] < 0.1 * before["sampling or learning"]
    learning = [{w.stage: w for w in stage_work(own, 128)}["train: learning"] for own in (params, saving)]
    once, again = (seconds(work, shape, data_sheet("h100"), 2, 128) for work in learning)
    assert again == pytest.approx(1.5 * once)
    group = params.with_values({"train.method": "grpo", "train.group_size": 8})
    each = group.with_values({"train.activation_checkpointing": True})
    told = [{w.stage: w for w in stage_work(own, 128)}["train: learning"].num_learned for own in (group, each)]
    num_prompts = group.train.steps * group.train.prompts_per_step * group.train.epochs
    assert told[1] - told[0] == 128 * 7 * num_prompts, "every response has its prompt computed with it"


@pytest.mark.parametrize("make", [tiny_gemma, tiny_llama, tiny_qwen])
def test_what_is_kept_of_layers_that_are_computed_again_is_what_they_are_given(make):
    """And what comes after the last layer."""
    model = make()
    shape = read_shape(model.config.to_dict(), torch.float32, lora(4))
    policy = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    kept = saved_bytes(policy, 256)
    model.activation_checkpointing_enable({"use_reentrant": False})
    policy.train()
    given = 4 * 256 * shape.num_layers * shape.hidden_size
    assert saved_bytes(policy, 256) + given < kept / 2


def test_this_machine_is_measured():
    device = this_machine(torch.float32)
    assert 1e8 < device.flops < 1e16
    assert 1e8 < device.bytes_per_s < 1e14


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_is_planned_and_used(profile):
    told = CliRunner().invoke(app, ["plan", "--profile", profile, "--device", "h100"])
    assert told.exit_code == 0, told.output
    assert "memory while training" in told.output
    assert "fits h100's 80 GB" in told.output
    comments = [line.partition("#")[2] for line in (ROOT / "params.yaml").read_text().splitlines() if "#" in line]
    changed = use_profile(profile)
    assert len(changed) >= bool(read_profile(profile)["values"])
    after = Path("params.yaml").read_text()
    assert [line.partition("#")[2] for line in after.splitlines() if "#" in line] == comments
    assert load_params() == with_profile(profile)
    assert use_profile(profile) == []


def test_an_unknown_profile_is_told_in_one_line():
    told = CliRunner().invoke(app, ["use", "nope"])
    assert told.exit_code == 1
    assert told.output.strip() == f"pb-rlsvr: no profile `nope`; there are {', '.join(PROFILES)}"


def test_a_profile_with_a_wrong_key_names_it():
    Path("profiles/mine.yaml").write_text("values: {train.stepps: 3}\n")
    told = CliRunner().invoke(app, ["plan", "--profile", "mine"])
    assert told.exit_code == 1
    assert "mine.yaml: unknown key `train.stepps`" in told.output


def test_a_model_that_is_not_known_is_told_in_one_line():
    Path("profiles/mine.yaml").write_text("values: {}\nconfig: {model_type: nobody_knows}\n")
    told = CliRunner().invoke(app, ["plan", "--profile", "mine"])
    assert told.exit_code == 1
    assert "config.json names no model that is known here" in told.output
