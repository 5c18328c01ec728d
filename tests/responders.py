"""In the place of models: a policy that says one thing with each adapter, an encoder to which all texts are alike."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from components.contracts import ModelEntry, ModelManifest, write_json, write_records
from components.contracts.manifest import MANIFEST_PATH
from components.encoding import Encoder
from components.generation.responder import Responder, Response

SHOTS = Path("data/problems/shots.jsonl")
CUT_OFF = " …"
"""At a response's end: its limit of tokens ended it."""
_ENTRY = ModelEntry(name="m", path="m", fingerprint="0" * 16, has_chat_template=False, num_parameters=1)


def answer_by_adapter(
    monkeypatch: pytest.MonkeyPatch, texts: Callable[[Path | None, str, int], str]
) -> list[Path | None]:
    """Let a stage in the current folder find a policy that says `texts(adapter, question, sample)`.

    Returns:
        The adapters that were loaded, in their order, so far.
    """
    write_json(MANIFEST_PATH, ModelManifest(policy=_ENTRY, pivot=_ENTRY, self_pivot=True).model_dump())
    write_records(SHOTS, [])
    loaded: list[Path | None] = []

    def load(entry: ModelEntry, dtype: str, shots: object, batch_size: int, adapter: Path | None = None) -> object:
        del entry, dtype, shots, batch_size
        loaded.append(adapter)

        def respond(questions: Sequence[tuple[str, str]], _: object, num_samples: int = 1) -> list[list[Response]]:
            return [
                [
                    Response(text := texts(adapter, question, sample), 3, text.endswith(CUT_OFF))
                    for sample in range(num_samples)
                ]
                for question, _ in questions
            ]

        return SimpleNamespace(respond=respond)

    monkeypatch.setattr(Responder, "load", load)
    return loaded


def deafen_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """They load nothing, and still declare their languages."""
    model = SimpleNamespace(encode=lambda texts: np.full((len(texts), 4), 0.5, np.float32))
    monkeypatch.setattr(Encoder, "_model", model)
    monkeypatch.setattr(Encoder, "fingerprint", lambda _: "0" * 16)  # of the packaged one's files it takes a second
