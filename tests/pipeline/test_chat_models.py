"""The training path on tiny models of the paper's architectures, each with a chat template of its family's style."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from tests.pipeline.conftest import run
from tests.tiny import tiny_llama, tiny_qwen, tiny_tokenizer

pytestmark = pytest.mark.slow

LLAMA_STYLE = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
QWEN_STYLE = (  # opens the thought itself
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)


@pytest.mark.parametrize(
    ("make", "template", "asks_with", "saving"),
    [
        (tiny_llama, LLAMA_STYLE, "<|start_header_id|>assistant<|end_header_id|>", {}),
        (tiny_qwen, QWEN_STYLE, "<think>", {"sampling_copy": False, "activation_checkpointing": True}),  # its profile's
    ],
    ids=["llama", "qwen"],
)
def test_a_chat_model_is_warmed_up_trained_and_chosen(clone: Path, make, template, asks_with, saving):
    folder, name = clone / f"tiny-{make.__name__}", f"./tiny-{make.__name__}"
    model = make()
    with torch.no_grad():  # near-even chances for every byte: some responses hold a digit
        model.lm_head.weight.div_(20)
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    if asks_with == "<think>":  # what ends a thought is one token there, too: by bytes no random model would write it
        tokenizer.add_tokens(["</think>"])
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    params = yaml.safe_load((clone / "params.yaml").read_text())
    params["models"] |= {"policy": name, "pivot": name}
    params["train"] |= saving
    for section in ("sampling", "reference"):
        params[section]["max_new_tokens"] = 120  # room for a thought and an answer
    params["calibrate"] |= {"min_wins_wrong": 0.0, "min_wins_hollow": 0.0}  # of one problem with random references
    (clone / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    run(clone, "dvc", "repro", "train")
    metrics = json.loads((clone / "metrics/train.json").read_text())
    assert metrics["steps"] == 2
    assert metrics["tokens_learned"] > 0
    assert metrics["logp_difference_mean"] < 1e-3
    completions = pd.read_parquet(clone / "data/train/completions.parquet")
    assert completions.prompt.str.contains(asks_with, regex=False).all()
    warmup, trained = (json.loads((clone / f"adapters/{own}/adapter_config.json").read_text()) for own in (
        "warmup", "trained"))  # fmt: skip
    assert warmup["base_model_name_or_path"] == trained["base_model_name_or_path"] == name
    weights = [(clone / f"adapters/{own}/adapter_model.safetensors").read_bytes() for own in ("warmup", "trained")]
    assert weights[0] != weights[1]
