"""COMET (Rei et al. 2020, arXiv 2009.09025) over transformers: a learned metric of translations as a reward.

Reads checkpoints as they are published: `hparams.yaml` and `checkpoints/model.ckpt`, of the classes with a reference
and without. Follows unbabel-comet 2.2.7, whose own scores are the test (tests/reward/comet_oracle.json), but for one
thing, ours: a text longer than the encoder takes is not cut off (`CometScorer.score`).
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import ceil
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig

from components.contracts import PipelineError
from components.reward.comet_files import find_folder, read_hparams, read_weights
from components.reward.comet_net import CometNet
from components.reward.functions import Scores
from components.reward.texts import Completion, judged, visible
from components.translation.sentences import cut, split_sentences
from components.translation.seq2seq import load_tokenizer

BATCH_SIZE = 16  # texts


@dataclass(frozen=True)
class CometScorer:
    """One checkpoint. Scores are mostly 0 to 1, higher better; the checkpoint's training settles their scale."""

    net: CometNet
    tokenizer: Any
    max_length: int
    """Tokens of a text that the encoder takes, the two around it included."""

    @classmethod
    def load(cls, name: str) -> "CometScorer":
        """Load a checkpoint's folder, or its name on the Hugging Face hub.

        Configuration and tokenizer of the encoder are taken from the same folder where they are there; else from
        `pretrained_model` of `hparams.yaml`, a folder or hub name.

        Raises:
            PipelineError: There is no such checkpoint, it is of another class, or the encoder's files are missing.
        """
        folder = find_folder(name)
        hparams = read_hparams(folder / "hparams.yaml")
        base = str(folder) if (folder / "config.json").is_file() else hparams.pretrained_model
        try:
            config = AutoConfig.from_pretrained(base, trust_remote_code=False)
            tokenizer = load_tokenizer(base)
        except (OSError, ValueError, ImportError) as error:
            raise PipelineError(f"{folder}: encoder `{base}`: {' '.join(str(error).split())[:300]}") from None
        if config.model_type != "xlm-roberta" or tokenizer.pad_token_id is None:
            raise PipelineError(f"{folder}: encoder `{base}` is not XLM-R with its tokenizer; no other is covered here")
        net = CometNet(hparams, config)
        read_weights(net, folder / "checkpoints" / "model.ckpt")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(net.to(device).eval(), tokenizer, config.max_position_embeddings - 4)

    @property
    def needs_reference(self) -> bool:
        """Whether scores need a reference translation."""
        return self.net.hparams.needs_reference

    def score(
        self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str] | None = None
    ) -> list[float]:
        """One score a hypothesis.

        Where one of the three texts has more tokens than the encoder takes (510 of XLM-R, as in unbabel-comet), all
        three are split into the same number of consecutive parts, between sentences where they allow it; the score is
        the mean of the parts', weighted by the hypothesis's tokens. Source: ours; parts of about the same place are
        taken to mean the same.

        Args:
            references: N texts; None for a checkpoint that needs none (it reads none).

        Raises:
            PipelineError: The checkpoint needs references.
        """
        if self.needs_reference and references is None:
            raise PipelineError("this COMET checkpoint compares with references; take a referenceless one")
        columns = sources, hypotheses, *([references] if references is not None and self.needs_reference else [])
        rows = [self._parts(row) for row in zip(*columns, strict=True)]
        parts = [part for row in rows for part in row]
        scores = iter(self._score_parts(parts))
        weights = [[self._num_tokens(part[1]) for part in row] for row in rows]
        return [sum(weight * next(scores) for weight in those) / sum(those) for those in weights]

    def _parts(self, row: tuple[str, ...]) -> list[tuple[str, ...]]:
        """(source, hypothesis, reference), in as many parts as make all of them fit."""
        if max(map(self._num_tokens, row)) <= self.max_length:
            return [row]
        units = [self._units(text) for text in row]
        longest = max(sum(map(self._num_tokens, those)) for those in units)
        # units have at most a quarter, so a part has at most three: joined, they may be tokenised a little differently
        count = ceil(longest / (self.max_length // 2))
        return list(zip(*(self._split(those, count) for those in units), strict=True))

    def _split(self, units: list[str], count: int) -> list[str]:
        """`count` consecutive parts of about as many tokens each; a unit goes where its middle lies.

        Where there are too few units, the one that is there stands for the place: nothing is compared with emptiness.
        """
        ends = list(accumulate(map(self._num_tokens, units)))
        middles = [(before + after) / 2 for before, after in pairwise([0, *ends])]
        parts = []
        for index in range(count):
            low, high = (ends[-1] * bound / count for bound in (index, index + 1)) if ends else (0, 0)
            inside = [unit for unit, middle in zip(units, middles, strict=True) if low <= middle < high]
            there = [units[bisect(ends[:-1], (low + high) / 2)]] if units else []
            parts.append(" ".join(inside or there))
        return parts

    def _units(self, text: str) -> list[str]:
        """Sentences; of one with too many tokens, its parts."""
        return [unit for sentence in split_sentences(text) for unit in self._small(sentence)]

    def _small(self, text: str) -> list[str]:
        if self._num_tokens(text) <= self.max_length // 4 or len(text) < 2:
            return [text]
        middle = ceil(len(text) / 2)
        parts = cut(text, middle)
        parts = parts if len(parts) > 1 else [text[:middle], text[middle:]]
        return [unit for part in parts for unit in self._small(part)]

    def _score_parts(self, parts: list[tuple[str, ...]]) -> list[float]:
        texts = sorted({text for part in parts for text in part}, key=lambda text: (len(text), text))
        place = {text: index for index, text in enumerate(texts)}
        if not texts:
            return []
        with torch.inference_mode():
            batches = [self._embed(texts[start : start + BATCH_SIZE]) for start in range(0, len(texts), BATCH_SIZE)]
            vectors = torch.cat(batches)  # (N, D)
            picked = [vectors[[place[part[column]] for part in parts]] for column in range(len(parts[0]))]
            return self.net.estimate(picked[0], picked[1], picked[2] if len(picked) > 2 else None).tolist()

    def _embed(self, texts: list[str]) -> Tensor:
        """(N, D) float32."""
        inputs = self.tokenizer(texts, return_tensors="pt", padding=True).to(next(self.net.parameters()).device)
        return self.net.embed(inputs["input_ids"], inputs["attention_mask"])

    def _num_tokens(self, text: str) -> int:
        """Tokens of a text, with the two around it."""
        return len(self.tokenizer(text)["input_ids"])


class CometReward:
    """COMET of the response against the English reference, the question as the source. Picklable by name.

    Values mostly 0 to 1, as the checkpoint was trained. Checkpoints are trained on one sentence of translation each,
    from another language than the reference's: here they judge off that ground.
    """

    __name__ = "comet"

    def __init__(self, scorer_name: str) -> None:
        """`scorer_name`: folder or hub name of a checkpoint; loaded at the first use."""
        self.scorer_name = scorer_name

    def __getstate__(self) -> dict[str, Any]:
        return {"scorer_name": self.scorer_name}

    @cached_property
    def scorer(self) -> CometScorer:
        """The loaded checkpoint."""
        return CometScorer.load(self.scorer_name)

    def __call__(
        self,
        completions: Sequence[Completion],
        reference_text: Sequence[str | None],
        question: Sequence[str | None] | None = None,
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """None without the question, or without a reference that the checkpoint needs.

        An empty response gets 0, or the batch's least where that is less: some checkpoints' scores have no bounds.

        Raises:
            PipelineError: The checkpoint does not load.
        """
        texts = [judged(visible(completion)) for completion in completions]
        references = [judged(visible(text)) if text else "" for text in reference_text]
        sources = [asked or "" for asked in question or [None] * len(texts)]
        known = [
            bool(source.strip()) and (bool(reference.strip()) or not self.scorer.needs_reference)
            for source, reference in zip(sources, references, strict=True)
        ]
        rows = [i for i, text in enumerate(texts) if text.strip() and known[i]]
        asked = ([column[i] for i in rows] for column in (sources, texts, references))
        scores = self.scorer.score(*asked)
        least = min([0.0, *scores])
        found: Scores = [least if one else None for one in known]
        for i, score in zip(rows, scores, strict=True):
            found[i] = score
        return found
