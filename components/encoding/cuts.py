"""Texts longer than a model reads, cut where they may be: none is truncated."""

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer
from transformers import PreTrainedTokenizerBase

from components.contracts import PipelineError

# Where a piece may end: after a line or a sentence, else after a word, else after any character.
_ENDS = (re.compile(r"\n+|[。！？।॥]+|[.!?…؟۔]+\s+"), re.compile(r"\s+"), re.compile(r"(?s:.)"))


class WholeTexts:
    """A sentence-transformers model that hears texts of any length.

    A text longer than `max_seq_length` becomes pieces that fit, and its vector is the mean of their unit vectors,
    weighted by their numbers of tokens, of unit length again (ours).
    """

    def __init__(self, model: SentenceTransformer) -> None:
        """Its limit is `max_seq_length`.

        Raises:
            ValueError: The model has a limit, and its tokenizer cannot say which characters a token stands for.
        """
        self.model = model
        limit = model.max_seq_length
        self._cutter = _Cutter(model, int(limit)) if limit is not None and math.isfinite(limit) else None

    def encode(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit vectors (N, D) float32.

        Raises:
            PipelineError: The limit is too low for a single character.
        """
        if self._cutter is None:
            return self._vectors(texts)
        cut = [self._cutter.pieces(text) for text in texts]
        vectors = self._vectors([piece for pieces in cut for piece, _ in pieces])
        weights = np.array([weight for pieces in cut for _, weight in pieces], dtype=np.float32)
        starts = np.cumsum([0, *(len(pieces) for pieces in cut)])[:-1]
        means = np.add.reduceat(vectors * weights[:, None], starts)
        unit: np.ndarray[Any, np.dtype[np.float32]] = means / np.linalg.norm(means, axis=1, keepdims=True)
        return unit

    def _vectors(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        return self.model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)


class _Cutter:
    def __init__(self, model: SentenceTransformer, limit: int) -> None:
        self._tokenizer = model.tokenizer
        if not (isinstance(self._tokenizer, PreTrainedTokenizerBase) and self._tokenizer.is_fast):
            raise ValueError("its tokenizer gives no offsets, so long texts cannot be cut; it needs a `tokenizer.json`")
        prompt = (model.prompts[model.default_prompt_name] or "") if model.default_prompt_name else ""
        self._limit = limit
        self._room = limit - self._tokenizer.num_special_tokens_to_add() - len(self._offsets(prompt))

    def pieces(self, text: str) -> list[tuple[str, int]]:
        """Pieces that fit, and the number of each one's tokens, at least 1.

        A part can have more tokens where it stands alone than within the text; then it is cut again.
        """
        offsets = self._offsets(text)
        if len(offsets) <= self._room:
            return [(text, max(1, len(offsets)))]
        return [piece for part in self._parts(text, offsets) for piece in self.pieces(part)]

    def _parts(self, text: str, offsets: Sequence[int]) -> Iterator[str]:
        """At least two."""
        start = first = 0  # character and token
        while len(offsets) - first > self._room:
            end = self._end(text, start, offsets[first + self._room] if self._room > 0 else start)
            yield text[start:end]
            start, first = end, bisect_left(offsets, end)
        yield text[start:]

    def _end(self, text: str, start: int, latest: int) -> int:
        for end in _ENDS:
            if found := [match.end() for match in end.finditer(text, start, min(latest, len(text) - 1))]:
                return found[-1]
        raise PipelineError(
            f"params.yaml: `reward.encoder`: it reads {self._limit} tokens, too few for one character of a text "
            f"({text[start]!r}); use another encoder"
        )

    def _offsets(self, text: str) -> list[int]:
        """First character of each token."""
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [start for start, _ in encoded["offset_mapping"]]
