"""The frozen bank of reference embeddings that hubness is measured against, stored with a calibration.

It is made once, from the references of the calibration, and never from the batch that is scored: a score depends on
nothing but its own response and reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from components.contracts import ContractError
from components.contracts.files import write_bytes
from components.encoding import Encoder
from components.reward.texts import judged, visible

BANK = "bank.safetensors"
NEAREST = 10
_SAME = 1 - 1e-5  # cosine of a text's vectors, computed twice

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class ReferenceBank:
    """Unit vectors (M, D) of distinct references, and the fingerprint of the encoder that made them."""

    vectors: Vectors
    encoder: str

    def hubness(self, queries: Vectors, own: Vectors) -> NDArray[np.float64]:
        """How near each query (N, D) is to everything: its mean cosine to the 10 nearest of the bank, (N,).

        A row's own reference (N, D) does not count, whether it is in the bank or not: every response is near to that.
        0 where the bank holds nothing else.
        """
        cosines = (queries @ self.vectors.T).astype(np.float64)  # (N, M)
        cosines[own @ self.vectors.T > _SAME] = -np.inf
        nearest = np.sort(cosines, axis=1)[:, ::-1][:, :NEAREST]  # (N, 10)
        known = np.isfinite(nearest)
        return np.asarray(np.where(known, nearest, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))

    def write(self, folder: Path) -> None:
        """Write `bank.safetensors`, atomically."""
        write_bytes(folder / BANK, save({"references": np.ascontiguousarray(self.vectors)}, {"encoder": self.encoder}))

    @classmethod
    def read(cls, folder: Path) -> "ReferenceBank":
        """Read `bank.safetensors`.

        Raises:
            ContractError: It is missing or broken.
        """
        path = folder / BANK
        try:
            with safe_open(path, framework="numpy") as file:
                return cls(file.get_tensor("references"), (file.metadata() or {})["encoder"])
        except (OSError, SafetensorError, KeyError) as error:
            raise ContractError(f"{path}: not readable as a bank of references ({error}); calibrate again") from None


def make_bank(encoder: Encoder, references: Sequence[str]) -> ReferenceBank:
    """The bank of distinct references, as rewards see them.

    Raises:
        PipelineError: The encoder does not load.
    """
    texts = dict.fromkeys(judged(visible(text)) for text in references)
    return ReferenceBank(encoder.encode(list(texts)), encoder.fingerprint())
