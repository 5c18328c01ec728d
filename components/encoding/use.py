"""The packaged encoder behind sentence-transformers' interface."""

from collections.abc import Sequence
from typing import Any

from sentence_transformers.base.modules import InputModule

from components.encoding.packaged import PackagedEncoder


class USEModule(InputModule):
    """The multilingual Universal Sentence Encoder v3 as a module: `SentenceTransformer(modules=[USEModule()])`."""

    save_in_root = False
    config_keys = []  # noqa: RUF012 - the base class's contract

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch.nn.Module's
        self._encoder = PackagedEncoder()

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, Any]:  # noqa: ANN401
        """`texts`: with the prompt. The encoder cuts them into tokens itself."""
        return {"texts": [(prompt or "") + text for text in inputs]}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: ANN401
        """Add `sentence_embedding` (N, 512) float32."""
        features["sentence_embedding"] = self._encoder.embed(features["texts"])
        return features

    def get_embedding_dimension(self) -> int:
        """Always 512."""
        return 512

    def save(self, output_path: str, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Write the configuration; the weights stay in their package."""
        self.save_config(output_path)
