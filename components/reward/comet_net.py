"""COMET's network (Rei et al. 2020, arXiv 2009.09025) over transformers' XLM-R, and the settings that shape it.

Notation: N texts, T tokens, L layers with the embeddings, D hidden size.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from torch import Tensor, nn
from transformers import XLMRobertaModel

_ACTIVATIONS = {"Tanh": nn.Tanh, "Sigmoid": nn.Sigmoid}
Activation = Annotated[Literal["Tanh", "Sigmoid"], BeforeValidator(lambda name: str(name).title())]


class Hparams(BaseModel):
    """What settles the network; `hparams.yaml` has the training's settings too. Defaults are unbabel-comet's."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    class_identifier: Literal["regression_metric", "referenceless_regression_metric"]
    encoder_model: Literal["XLM-RoBERTa"]
    pretrained_model: str
    """Hub name or folder of the encoder's configuration and tokenizer."""
    pool: Literal["avg", "cls"]
    layer: Literal["mix"] | int = "mix"
    """`mix`: all layers, weighted; else one of them, 0 the embeddings."""
    layer_transformation: Literal["softmax", "sparsemax", "sparsemax_patch"] = "softmax"
    """Of the layers' weights; unbabel-comet 2.2.7 takes `sparsemax_patch` for the softmax."""
    layer_norm: bool = True
    hidden_sizes: tuple[int, ...] = Field(min_length=1)
    activations: Activation
    final_activation: Activation | None = None

    @property
    def needs_reference(self) -> bool:
        """Whether the class compares with a reference, too."""
        return self.class_identifier == "regression_metric"

    def feed_forward(self, num_features: int) -> nn.Sequential:
        """From features (N, F) to scores (N, 1), numbered as unbabel-comet's, whose dropout takes a place."""
        modules: list[nn.Module] = []
        for before, after in zip((num_features, *self.hidden_sizes), self.hidden_sizes, strict=False):
            modules += [nn.Linear(before, after), _ACTIVATIONS[self.activations](), nn.Identity()]
        modules.append(nn.Linear(self.hidden_sizes[-1], 1))
        if self.final_activation is not None:
            modules.append(_ACTIVATIONS[self.final_activation]())
        return nn.Sequential(*modules)


class CometNet(nn.Module):
    """The network, its parameters named as in published checkpoints."""

    def __init__(self, hparams: Hparams, config: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.hparams = hparams
        self.encoder = nn.ModuleDict({"model": XLMRobertaModel(config, add_pooling_layer=False)})
        if hparams.layer == "mix":
            self.layerwise_attention = LayerMix(config.num_hidden_layers + 1, hparams)
        num_features = 6 if hparams.needs_reference else 4
        self.estimator = nn.ModuleDict({"ff": hparams.feed_forward(num_features * config.hidden_size)})

    def embed(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Texts (N, T) int64 with their mask (N, T) as vectors (N, D)."""
        output = self.encoder["model"](input_ids, attention_mask=attention_mask, output_hidden_states=True)
        layers = output.hidden_states  # L of (N, T, D)
        mask = attention_mask.unsqueeze(-1).to(layers[0].dtype)  # (N, T, 1)
        layer = self.hparams.layer
        tokens: Tensor = self.layerwise_attention(layers, mask) if layer == "mix" else layers[layer]  # (N, T, D)
        return tokens[:, 0] if self.hparams.pool == "cls" else (tokens * mask).sum(1) / mask.sum(1)

    def estimate(self, source: Tensor, hypothesis: Tensor, reference: Tensor | None) -> Tensor:
        """Scores (N,) of vectors (N, D) each."""
        h, s, r = hypothesis, source, reference
        parts = [h, s, h * s, (h - s).abs()] if r is None else [h, r, h * r, (h - r).abs(), h * s, (h - s).abs()]
        scores: Tensor = self.estimator["ff"](torch.cat(parts, dim=1))  # (N, 1)
        return scores[:, 0]


class LayerMix(nn.Module):
    """gamma · Σ_l w_l · layer_l, w the softmax or sparsemax of one learned number a layer."""

    def __init__(self, num_layers: int, hparams: Hparams) -> None:
        super().__init__()
        zeros = [nn.Parameter(torch.zeros(1)) for _ in range(num_layers)]
        self.scalar_parameters = nn.ParameterList(zeros)
        self.gamma = nn.Parameter(torch.ones(1))
        self.layer_norm = hparams.layer_norm
        self.transform = sparsemax if hparams.layer_transformation == "sparsemax" else softmax

    def forward(self, layers: Sequence[Tensor], mask: Tensor) -> Tensor:
        """Layers, L of (N, T, D), and mask (N, T, 1) to (N, T, D)."""
        weights = self.transform(torch.cat(list(self.scalar_parameters)))  # (L,)
        shown = [_normalised(layer, mask) for layer in layers] if self.layer_norm else layers
        mixed: Tensor = self.gamma * sum(weight * layer for weight, layer in zip(weights, shown, strict=True))
        return mixed


def softmax(scores: Tensor) -> Tensor:
    """Of `scores` (L,)."""
    return scores.softmax(0)


def sparsemax(scores: Tensor) -> Tensor:
    """The point of the simplex nearest to `scores` (L,). Source: Martins & Astudillo 2016, arXiv 1602.02068, alg. 1."""
    ordered = scores.sort(descending=True).values
    sums = ordered.cumsum(0) - 1
    counts = torch.arange(1, len(scores) + 1, dtype=scores.dtype, device=scores.device)
    size = int((ordered * counts > sums).sum())
    return (scores - sums[size - 1] / size).clamp(min=0)


def _normalised(layer: Tensor, mask: Tensor) -> Tensor:
    """A layer (N, T, D) less its mean and over its deviation, both of one text's own positions and all D."""
    size = mask.sum((1, 2), keepdim=True) * layer.shape[-1]  # (N, 1, 1)
    mean = (layer * mask).sum((1, 2), keepdim=True) / size
    variance = (((layer - mean) * mask) ** 2).sum((1, 2), keepdim=True) / size
    return (layer - mean) / (variance + 1e-12).sqrt()
