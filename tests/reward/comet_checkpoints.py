"""Tiny COMET checkpoints as they are published: random XLM-R weights that no library version changes."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

HIDDEN, NUM_LAYERS, MAX_POSITIONS = 16, 3, 100
HPARAMS = {
    "class_identifier": "regression_metric", "encoder_model": "XLM-RoBERTa", "pretrained_model": "", "pool": "avg",
    "layer": "mix", "layer_transformation": "softmax", "layer_norm": False, "hidden_sizes": [24, 12],
    "activations": "Tanh", "final_activation": None, "dropout": 0.1, "loss": "mse",
}  # fmt: skip
VARIANTS = {
    "plain": {},
    "sparsemax": {"layer_transformation": "sparsemax"},
    "patched": {"layer_transformation": "sparsemax_patch"},
    "layer norm": {"layer_norm": True},
    "sparsemax, layer norm, sigmoid": {
        "layer_transformation": "sparsemax", "layer_norm": True, "final_activation": "Sigmoid", "hidden_sizes": [24],
    },
    "first token": {"pool": "cls"},
    "one layer": {"layer": 2},
    "without reference": {"class_identifier": "referenceless_regression_metric", "layer_norm": True},
    "without reference, sparsemax": {
        "class_identifier": "referenceless_regression_metric", "layer_transformation": "sparsemax",
    },
}  # fmt: skip


def tokenizer():
    """Bytes, with <s> and </s> around a text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *alphabet])}
    bytes_ = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<unk>"))
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.decoder = decoders.ByteLevel()
    around = [("<s>", 0), ("</s>", 2)]
    bytes_.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=around)
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=bytes_, **names)


def encoder_config():
    return XLMRobertaConfig(
        vocab_size=len(tokenizer()), hidden_size=HIDDEN, num_hidden_layers=NUM_LAYERS, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=MAX_POSITIONS, type_vocab_size=1, pad_token_id=1, bos_token_id=0,
        eos_token_id=2,
    )  # fmt: skip


def weights(hparams):
    """The state dict, its keys as in published checkpoints."""
    rng = np.random.default_rng(0)
    shapes = {
        f"encoder.model.{key}": tuple(value.shape)
        for key, value in XLMRobertaModel(encoder_config(), add_pooling_layer=False).state_dict().items()
        if value.is_floating_point()
    }
    if hparams["layer"] == "mix":
        shapes |= {f"layerwise_attention.scalar_parameters.{i}": (1,) for i in range(NUM_LAYERS + 1)}
        shapes["layerwise_attention.gamma"] = (1,)
    sizes = [HIDDEN * (6 if hparams["class_identifier"] == "regression_metric" else 4), *hparams["hidden_sizes"], 1]
    for i, (before, after) in enumerate(pairwise(sizes)):
        shapes |= {f"estimator.ff.{3 * i}.weight": (after, before), f"estimator.ff.{3 * i}.bias": (after,)}
    scale = {key: 1.0 if "LayerNorm" in key and key.endswith("weight") else 0.0 for key in shapes}
    return {
        key: torch.tensor(scale[key] + 0.4 * rng.normal(size=shapes[key]), dtype=torch.float32)
        for key in sorted(shapes)
    }


def save_checkpoint(folder: Path, **changes) -> Path:
    """The checkpoint's folder, its encoder's configuration and tokenizer in a folder beside it."""
    hparams = HPARAMS | {"pretrained_model": str(folder.parent / "encoder")} | changes
    encoder_config().save_pretrained(folder.parent / "encoder")
    tokenizer().save_pretrained(folder.parent / "encoder")
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "hparams.yaml").write_text(yaml.safe_dump(hparams))
    state = weights(hparams)
    if hparams["layer"] == "mix":  # what training leaves there
        state |= {f"layerwise_attention.dropout_{name}": torch.zeros(NUM_LAYERS + 1) for name in ("mask", "fill")}
    checkpoint = {"state_dict": state, "hyper_parameters": hparams, "pytorch-lightning_version": "2.6.6", "epoch": 0}
    torch.save(checkpoint, folder / "checkpoints" / "model.ckpt")
    return folder
