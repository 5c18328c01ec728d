"""Five steps of GRPO on the packaged model: sampler and learner stay together, or the correction takes over."""

from pathlib import Path

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import PrinterCallback
from trl import GRPOConfig

from components.generation.models import load_model, load_tokenizer
from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding
from components.models.packaged import PACKAGED_MODEL
from components.models.resolve import resolve
from components.train.folding import SamplingCopy
from components.train.learning import MAX_MEAN_GAP
from components.train.trainer import PivotGRPOTrainer
from tests.train.small import Characters, adapter

pytestmark = pytest.mark.slow


def test_after_five_steps_the_sampler_still_says_what_the_learner_says(tmp_path: Path):
    entry = resolve("policy", PACKAGED_MODEL, tmp_path / "packaged")
    prompt_format = PromptFormat(load_tokenizer(entry), [])
    torch.manual_seed(0)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    policy = get_peft_model(load_model(entry, "auto"), lora)
    before = adapter(policy)
    arguments = GRPOConfig(
        output_dir=str(tmp_path), max_steps=5, per_device_train_batch_size=8, num_generations=4,
        max_completion_length=12, temperature=1.0, learning_rate=1e-4, lr_scheduler_type="constant",
        loss_type="dr_grpo", scale_rewards="none", beta=0.0, bf16=False, save_strategy="no", report_to="none",
        disable_tqdm=True, logging_steps=1, activation_checkpointing=False, dataloader_pin_memory=False,
    )  # fmt: skip
    questions = ["¿Cuánto es 12 + 5?", "Ana tiene 3 manzanas y compra 4. ¿Cuántas tiene?", "Wie viel ist 9 - 4?"]
    trainer = PivotGRPOTrainer(
        model=policy, args=arguments, reward_funcs=[Characters()], processing_class=prompt_format.tokenizer,
        train_dataset=Dataset.from_list([{"prompt": text, "lang": "es"} for text in questions]),
        sampled=SamplingCopy(policy, load_model(entry, "auto")), prompt_format=prompt_format,
        decoding=Decoding(12, 1.0, 64), advantage_std_floor=0.05, micro_batch_tokens=1000,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    steps = [entry for entry in trainer.state.log_history if "sampling/logp_difference_mean" in entry]
    assert len(steps) >= 4, "a step without any signal has nothing to compare"
    assert any(not torch.equal(before[name], value) for name, value in adapter(policy).items())
    for step in steps:
        assert step["sampling/logp_difference_mean"] <= MAX_MEAN_GAP or step["sampling/corrected"] == 1
    if next(policy.parameters()).dtype == torch.float32:
        assert max(step["sampling/logp_difference_mean"] for step in steps) < 1e-3
