"""GRPO through TRL's trainer on a tiny model: what changes, what must not, and the numbers of a step."""

import inspect
import math
import re
import statistics
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from trl import GRPOTrainer

from components.generation.prompts import PromptFormat
from components.params import load_params
from components.train.folding import PolicyItself, SamplingCopy
from components.train.grpo import _config, run_grpo
from components.train.learning import Learning
from components.train.micro_batches import split_by_tokens
from components.train.trainer import PivotGRPOTrainer, PromptSampler
from tests.made_up import question, reference
from tests.tiny import tiny_gemma, tiny_tokenizer
from tests.train.copies import tiny_policy
from tests.train.small import small_trainer

ROOT = Path(__file__).parents[2]
LANGS = ["es", "de", "zh"]
GROUP, PROMPTS, FLOOR = 4, 4, 0.1

# What the overrides of components/train/trainer.py were written against.
OVERRIDDEN = {
    "_get_per_token_logps_and_entropies": [
        "self", "model", "input_ids", "attention_mask", "logits_to_keep", "batch_size", "compute_entropy",
        "compute_aux_loss", "pixel_values", "image_grid_thw", "num_images", "pixel_attention_mask", "spatial_shapes",
        "num_tiles", "image_sizes", "token_type_ids", "mm_token_type_ids", "image_position_ids",
    ],
    "_get_train_sampler": ["self", "dataset"],
    "_calculate_rewards": ["self", "inputs", "prompts", "completions", "completion_ids_list"],
    "_generate_and_score_completions": ["self", "inputs"],
    "_compute_loss": ["self", "model", "inputs"],
}  # fmt: skip


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_trls_overridden_method_is_the_one_that_we_know(name):
    assert list(inspect.signature(getattr(GRPOTrainer, name)).parameters) == OVERRIDDEN[name]
    assert getattr(PivotGRPOTrainer, name) is not getattr(GRPOTrainer, name)


def test_nothing_else_of_trl_is_overridden():
    own = {
        name for name in vars(PivotGRPOTrainer) if hasattr(GRPOTrainer, name) and callable(getattr(GRPOTrainer, name))
    }
    assert own - {"__init__", "__doc__"} == set(OVERRIDDEN)
    assert "rollout_func" in inspect.signature(GRPOTrainer.__init__).parameters


def test_the_installed_trl_is_the_pinned_one():
    (pinned,) = re.findall(r"^trl==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert version("trl") == pinned
    assert f"Checked against trl {pinned} " in inspect.getdoc(inspect.getmodule(PivotGRPOTrainer))


class EvenLetters:
    """The share of characters with an even code, which a random model can win; little in German, none in Chinese."""

    __name__ = "even_letters"
    weights = {"es": 0.5, "de": 0.05, "zh": 0.0}  # noqa: RUF012 - never changed

    def __call__(self, completions, lang, **columns):
        of_one_problem(lang=lang, **columns)
        return [
            0.5 + self.weights[code] * sum(ord(c) % 2 == 0 for c in text) / max(1, len(text))
            for text, code in zip(completions, lang, strict=True)
        ]


def of_one_problem(prompts, lang, question, reference_text, reference_answer, gold_answer, **_):
    """Assert that what is said of each response is said of its own problem."""
    assert len(prompts) == len(lang) == PROMPTS * GROUP
    prompt_format = PromptFormat(tiny_tokenizer(), [])
    rows = zip(prompts, lang, question, reference_text, reference_answer, gold_answer, strict=True)
    for prompt, code, asked, known, answer, gold in rows:
        number = len(asked) - 1
        assert (asked, prompt) == ("?" * (number + 1), prompt_format.prompt_text(asked, code))
        assert (known, answer, gold) == (f"R{number}", str(100 + number), str(900 + number))


def pairs():
    return [
        (question(number, lang, question="?" * (number + 1)), reference(number))
        for number in range(4)
        for lang in LANGS
    ]


def small_params():
    params = load_params(ROOT / "params.yaml")
    train = params.train.model_copy(
        update={
            "steps": 2, "prompts_per_step": PROMPTS, "group_size": GROUP, "save_every": 1,
            "micro_batch_tokens": 2 * GROUP * 8 + 2 * 4, "learning_rate": 1e-2, "learning_rate_warmup_steps": 0,
        }
    )  # fmt: skip
    sampling = params.sampling.model_copy(update={"max_new_tokens": 8, "temperature": 3.0})
    reward = params.reward.model_copy(update={"advantage_std_floor": FLOOR})
    return params.model_copy(update={"train": train, "sampling": sampling, "reward": reward})


def adapted():
    torch.manual_seed(0)
    return tiny_policy()


def some_end_early():
    """Of a random model's responses: as if each eighth token were an end."""
    prompt_format = PromptFormat(tiny_tokenizer(), [])
    prompt_format.stop_ids = torch.cat([prompt_format.stop_ids, torch.arange(8, 261, 8)]).unique()
    return prompt_format


def weights(policy):
    return {name: value.clone() for name, value in policy.state_dict().items()}


def spy(monkeypatch, name, keep):
    original = getattr(PivotGRPOTrainer, name)

    def watched(self, *args):
        result = original(self, *args)
        keep(args, result)
        return result

    monkeypatch.setattr(PivotGRPOTrainer, name, watched)


@pytest.fixture(scope="module")
def two_steps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grpo")
    policy = adapted()
    seen = SimpleNamespace(rewards=[], advantages=[], lengths=[], parts=[], langs=[])
    with pytest.MonkeyPatch.context() as patch:
        spy(patch, "_calculate_rewards", lambda args, found: (
            seen.langs.append([row["lang"] for row in args[0]]), seen.rewards.append(found.clone()),
        ))  # fmt: skip
        spy(patch, "_generate_and_score_completions", lambda _, found: (
            seen.advantages.append(found["advantages"]), seen.lengths.append(found["completion_mask"].sum(1)),
        ))  # fmt: skip

        def watched_split(*arguments):
            seen.parts.append(split_by_tokens(*arguments))
            return seen.parts[-1]

        patch.setattr("components.train.learning.split_by_tokens", watched_split)
        before = weights(policy)
        history = run_grpo(
            policy, SamplingCopy(policy, tiny_gemma()), some_end_early(), pairs(), EvenLetters(), small_params(),
            folder / "checkpoints", [],
        )  # fmt: skip
    steps = [entry for entry in history if "reward" in entry]
    return SimpleNamespace(before=before, after=weights(policy), steps=steps, seen=seen, folder=folder)


@pytest.mark.slow
def test_the_adapter_learns_and_the_base_is_bit_identical(two_steps):
    before, after = two_steps.before, two_steps.after
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    lora = {name for name in before if "lora_" in name}
    assert changed
    assert changed <= lora
    assert {name for name in lora if "lora_B" in name} <= changed
    assert len(before) > len(lora)


def test_the_sampler_says_the_same_as_the_learner(two_steps):
    assert len(two_steps.steps) == 2
    for step in two_steps.steps:
        assert 0 <= step["sampling/logp_difference_mean"] < 1e-3
        assert step["sampling/logp_difference_mean"] <= step["sampling/logp_difference_max"] < 1e-2


def test_advantages_are_the_formula_with_a_floored_deviation(two_steps):
    seen = two_steps.seen
    assert len(seen.rewards) == len(seen.advantages) == 2
    spreads = []
    for rewards, advantages in zip(seen.rewards, seen.advantages, strict=True):
        groups = rewards.sum(1).view(-1, GROUP).tolist()
        assert len(groups) == PROMPTS
        expected = []
        for group in groups:
            spreads.append(statistics.stdev(group))
            expected += [(reward - statistics.fmean(group)) / max(spreads[-1], FLOOR) for reward in group]
        torch.testing.assert_close(advantages, torch.tensor(expected), atol=1e-5, rtol=1e-5)
    assert min(spreads) == 0
    assert [s for s in spreads if 0 < s < FLOOR], "the floor must have been at work for this test to say anything"
    assert [s for s in spreads if s > FLOOR], "and sometimes not"


def test_the_loss_is_a_sum_over_tokens_divided_by_a_constant(two_steps):
    """Dr. GRPO's: in a step's first pass the ratio is 1, so that each token has minus its response's advantage."""
    seen, silent = two_steps.seen, []
    for step, advantages, lengths in zip(two_steps.steps, seen.advantages, seen.lengths, strict=True):
        expected = -float((advantages * lengths).sum()) / (PROMPTS * GROUP * 8)
        assert abs(expected) > 1e-4
        assert step["loss"] == pytest.approx(expected, rel=1e-3)
        silent.append((advantages.view(-1, GROUP) == 0).all(1).any())
    assert any(silent), "they count below the line"


def test_a_group_is_one_prompt_in_one_language_and_learns_at_once(two_steps):
    seen = two_steps.seen
    for langs in seen.langs:
        assert all(len(set(langs[start : start + GROUP])) == 1 for start in range(0, len(langs), GROUP))
    assert len(seen.parts) == 2
    assert any("zh" in langs for langs in seen.langs), "Chinese has no signal"
    for parts, step, langs, advantages in zip(seen.parts, two_steps.steps, seen.langs, seen.advantages, strict=True):
        learned = sum(len(part["prompt_ids"]) for part in parts)
        assert learned == step["learned_share"] * PROMPTS * GROUP == (advantages != 0).sum()
        assert learned <= PROMPTS * GROUP - langs.count("zh")
        for part in parts:
            _, counts = part["prompt_ids"].unique(dim=0, return_counts=True)
            assert set(counts.tolist()) == {GROUP}
            assert (part["advantages"] != 0).all()


def test_live_metrics_are_told_by_language(two_steps):
    seen = set()
    for step, langs, rewards in zip(two_steps.steps, two_steps.seen.langs, two_steps.seen.rewards, strict=True):
        groups = list(zip(langs[::GROUP], rewards.sum(1).view(-1, GROUP).tolist(), strict=True))
        for lang in set(langs):
            kinds = {kind: step[f"{kind}/{lang}"] for kind in ("reward", "length", "truncated", "zero_signal")}
            if kinds["zero_signal"] < 1:
                assert 0 < step[f"entropy/{lang}"] < math.log(261)
                assert step[f"clipped/{lang}"] == 0
            own = [group for code, group in groups if code == lang]
            silent = [max(group) - min(group) < 1e-6 for group in own]
            assert kinds["zero_signal"] == sum(silent) / len(silent)
            assert kinds["reward"] == pytest.approx(statistics.fmean(reward for group in own for reward in group))
            assert kinds["zero_signal"] == 1 or lang != "zh"
            assert 1 <= kinds["length"] <= 8
            assert kinds["truncated"] < 1
            assert all(0 <= kinds[kind] <= 1 for kind in ("reward", "truncated", "zero_signal"))
            seen.add(lang)
            assert step[f"tokens/{lang}"] == kinds["length"] * GROUP * langs[::GROUP].count(lang)
            assert 0 <= step[f"in_language/{lang}"] <= 1
            assert step[f"unscored/{lang}"] == 0
        assert 0 < step["entropy"] < math.log(261)
        assert all(step[f"seconds/{part}"] > 0 for part in ("sampling", "scoring", "learning"))
        assert step["sampling/corrected"] == step["resampled_groups"] == 0
        assert {key for key in step if key.startswith("reward/")} == {f"reward/{lang}" for lang in set(langs)}
    assert seen == set(LANGS)


def test_the_distance_to_the_base_is_none_before_the_first_update_and_some_after_it(two_steps):
    first, second = (step["kl_to_base"] for step in two_steps.steps)
    assert first == pytest.approx(0, abs=1e-9)
    assert second > 1e-6


def test_the_distance_to_the_base_is_schulmans_third_estimator_of_plain_passes(tmp_path, monkeypatch):
    told, original = [], Learning._compare_with_base

    def plain(policy, part, row):
        prompt, response = (
            part[f"{name}_ids"][row][part[f"{name}_mask"][row].bool()] for name in ("prompt", "completion")
        )
        logits = policy(torch.cat([prompt, response])[None]).logits[0, len(prompt) - 1 : -1] / 3
        return logits.log_softmax(-1).gather(1, response[:, None])[:, 0]

    def watched(learning, model, part, logps, sums):
        last = {tuple(prompt): row for row, prompt in enumerate(part["prompt_ids"].tolist())}  # one of each prompt
        with torch.no_grad():
            own = torch.cat([plain(policy, part, row) for row in last.values()])
            with policy.disable_adapter():
                base = torch.cat([plain(policy, part, row) for row in last.values()])
        told.append(float(((base - own).exp() - (base - own) - 1).mean()))
        original(learning, model, part, logps, sums)

    monkeypatch.setattr(Learning, "_compare_with_base", watched)
    trainer, policy = small_trainer(tmp_path, steps=1)
    for name, value in policy.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.1)
    trainer.train()
    assert told[0] > 1e-3
    assert trainer.state.log_history[0]["kl_to_base"] == pytest.approx(told[0], rel=1e-3)


def test_every_response_with_its_advantage_and_the_checkpoint_are_on_disk(two_steps):
    checkpoints = two_steps.folder / "checkpoints"
    table = pd.concat([pd.read_parquet(path) for path in sorted((checkpoints / "completions").glob("*.parquet"))])
    assert len(table) == 2 * PROMPTS * GROUP
    assert {"completion", "even_letters", "advantage"} <= set(table.columns)
    assert [path.name for path in checkpoints.glob("checkpoint-*")] == ["checkpoint-2"]
    weights = {path.suffix for path in checkpoints.rglob("adapter_model*")}
    assert weights == {".safetensors"}
    used = torch.cat(two_steps.seen.advantages)
    torch.testing.assert_close(torch.tensor(table["advantage"].tolist()), used, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_steps_without_a_copy_and_with_layers_computed_again_are_the_same(two_steps, tmp_path):
    """Rollouts too: a refreshed copy is the policy to the last bits, and draws are the same."""
    policy = adapted()
    policy.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
    modes = []
    sampled = PolicyItself(policy)
    sampled.model.get_decoder().layers[0].register_forward_pre_hook(lambda layer, _: modes.append(layer.training))
    history = run_grpo(policy, sampled, some_end_early(), pairs(), EvenLetters(), small_params(), tmp_path, [])
    assert {True, False} == set(modes), "rollouts keep keys and values, learning computes again"
    steps = [entry for entry in history if "reward" in entry]
    for step, expected in zip(steps, two_steps.steps, strict=True):
        for key in ("reward", "loss", "grad_norm", "entropy", "tokens_learned"):
            assert step[key] == pytest.approx(expected[key], rel=1e-3, abs=1e-6), key
    for name, value in weights(policy).items():
        torch.testing.assert_close(value, two_steps.after[name], atol=1e-4, rtol=1e-3)


@pytest.mark.slow
def test_prompts_keep_their_order_where_it_is_not_shuffled(tmp_path, monkeypatch):
    asked = []
    spy(monkeypatch, "_generate_and_score_completions", lambda args, _: asked.extend(
        row["prompt"] for row in args[0][::GROUP]))  # fmt: skip
    params = small_params()
    params = params.model_copy(update={"train": params.train.model_copy(update={"prompt_order": "easy_first"})})
    policy, prompt_format = adapted(), PromptFormat(tiny_tokenizer(), [])
    run_grpo(
        policy, SamplingCopy(policy, tiny_gemma()), prompt_format, pairs(), EvenLetters(), params, tmp_path, [],
    )  # fmt: skip
    assert asked == [prompt_format.prompt_text(q.asked, q.lang) for q, _ in pairs()][: 2 * PROMPTS]


def test_no_seeds_second_epoch_is_the_next_ones_first():
    def order(seed: int, epoch: int) -> list[int]:
        sampler = PromptSampler(range(40), mini_repeat_count=1, batch_size=4, shuffle=True, seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(17, 1) != order(18, 0)
    assert order(17, 1) == order(17, 1) != order(17, 0)


def test_prompts_and_draws_hang_on_the_seed_of_training_alone(tmp_path):
    params = load_params(ROOT / "params.yaml")
    assert _config(params.with_values({"train.seed": 18, "base.seed": 17}), tmp_path).seed == 18
    assert _config(params.with_values({"train.seed": 17, "base.seed": 18}), tmp_path).seed == 17


@pytest.mark.slow
def test_the_learning_rate_rises_over_as_many_steps_as_asked_for_in_all_their_passes(tmp_path):
    params = small_params()
    changes = {"steps": 3, "epochs": 2, "learning_rate_warmup_steps": 2}
    params = params.model_copy(update={"train": params.train.model_copy(update=changes)})
    policy = adapted()
    history = run_grpo(
        policy, SamplingCopy(policy, tiny_gemma()), PromptFormat(tiny_tokenizer(), []), pairs(), EvenLetters(), params,
        tmp_path, [],
    )  # fmt: skip
    rates = [entry["learning_rate"] for entry in history if "learning_rate" in entry]
    assert rates == pytest.approx([1e-2 * share for share in (0, 1 / 4, 1 / 2, 3 / 4, 1, 1)])
