"""The encoder that rewards ask: texts to unit vectors, remembered, with the languages it declares."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
from yaml import YAMLError

from components.contracts import PipelineError, fingerprint

if TYPE_CHECKING:  # imported where a model is loaded: it takes seconds
    from components.encoding.cuts import WholeTexts
    from components.encoding.packaged import PackagedEncoder

Vectors = np.ndarray[Any, np.dtype[np.float32]]

PACKAGED_ENCODER = "packaged-use"
MAX_REMEMBERED = 65_536
"""Vectors that an encoder remembers: 130 MB of the packaged one's 512 float32 each."""

# The 16 languages of the multilingual USE v3, from its model card. Outside them scores are marked, not trusted.
_USE_LANGUAGES = frozenset(
    ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]
) | {"zh-TW"}


class Encoder:
    """Embeds texts of any length and remembers them: of the last `MAX_REMEMBERED`, identical ones are encoded once.

    Picklable by name: the model is loaded at its first use, and what is remembered stays behind.
    """

    def __init__(self, name: str) -> None:
        """`name`: `PACKAGED_ENCODER`, or a sentence-transformers model by folder or hub name."""
        self.name = name
        self._memory: OrderedDict[bytes, Vectors] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name, "_memory": OrderedDict()}

    @property
    def languages(self) -> frozenset[str] | None:
        """Codes of the languages that the encoder's model card declares; None where it declares none (unknown).

        Raises:
            PipelineError: The model cannot be loaded, or its card not be read.
        """
        if self.name == PACKAGED_ENCODER:
            return _USE_LANGUAGES
        from huggingface_hub import ModelCard

        folder = Path(self.name)
        try:
            readme = folder / "README.md"
            card = readme.read_text("utf-8") if readme.is_file() else self._named_model.model._model_card_text
            declared = getattr(ModelCard(card or "").data, "language", None) or []
        except (OSError, ValueError, YAMLError) as error:
            raise self._failure("read the model card of", error) from None
        codes = {declared} if isinstance(declared, str) else set(declared)
        return frozenset(codes - {"multilingual"}) or None

    def declares(self, lang: str) -> bool:
        """Whether the languages include `lang`, or that of a tag with a region; True where none are declared.

        Raises:
            PipelineError: As `languages`.
        """
        known = self.languages
        return known is None or lang in known or lang.replace("_", "-").split("-")[0] in known

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (N, D) float32; (0, D) of no texts.

        Raises:
            PipelineError: The model cannot be loaded.
            UnicodeEncodeError: A text has half of a surrogate pair, which is no character.
        """
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        known = {key: self._memory.pop(key) for key in dict.fromkeys(keys) if key in self._memory}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            vectors = self._model.encode(list(new.values()))
            known |= {key: row.copy() for key, row in zip(new, vectors, strict=True)}  # a view would keep them all
        self._memory |= known
        while len(self._memory) > MAX_REMEMBERED:
            self._memory.popitem(last=False)
        return np.stack([known[key] for key in keys]) if keys else self._model.encode(["."])[:0]

    def forget(self) -> None:
        """Remember nothing. The last bits of a vector hang on the texts beside it, so on what was remembered before."""
        self._memory.clear()

    def fingerprint(self) -> str:
        """16 hexadecimal digits for the weights: by content where they are files here, else by the hub's commit.

        Raises:
            PipelineError: The model cannot be loaded.
        """
        if self.name == PACKAGED_ENCODER:
            from components.encoding.packaged import packaged_fingerprint

            return packaged_fingerprint()
        if Path(self.name).is_dir():
            return fingerprint({}, [Path(self.name)])
        from huggingface_hub import resolve_revision
        from huggingface_hub.errors import RevisionResolutionError

        _ = self._named_model  # which resolves the name, and leaves its commit in the cache
        try:
            commit = resolve_revision(self.name, local_files_only=True).resolved
        except RevisionResolutionError:  # the cache is somewhere else
            commit = None
        return fingerprint({"hub": self.name, "commit": commit}, [])

    @cached_property
    def _model(self) -> "WholeTexts | PackagedEncoder":
        if self.name != PACKAGED_ENCODER:
            return self._named_model
        from components.encoding.packaged import PackagedEncoder

        return PackagedEncoder()

    @cached_property
    def _named_model(self) -> "WholeTexts":
        from sentence_transformers import SentenceTransformer

        from components.encoding.cuts import WholeTexts

        try:
            return WholeTexts(SentenceTransformer(self.name, trust_remote_code=False))
        except UnpicklingError:
            raise self._failure(
                "load", ValueError("its pickled weights hold more than tensors; convert them")
            ) from None
        except (OSError, ValueError) as error:
            raise self._failure("load", error) from None

    def _failure(self, what: str, error: Exception) -> PipelineError:
        return PipelineError(
            f"params.yaml: `reward.encoder`: cannot {what} `{self.name}`: {str(error).splitlines()[0]}"
        )
