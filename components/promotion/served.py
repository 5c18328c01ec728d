"""What a version of the registered model does: answer questions as `pb-rlsvr ask` does, wherever MLflow loads it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.contracts import ModelEntry, PipelineError, Question, read_records, weights_fingerprint
from components.generation.responder import Responder
from components.generation.sampler import Decoding
from components.lang.table import language
from components.models.resolve import resolve

PACKAGED_FOLDER = Path("models/packaged")
"""Where the packaged model is, or is made, as stage `models` does."""


class Served:
    """Base, adapter and worked examples in one hand."""

    def __init__(self, adapter: Path, shots: Path, settings: Mapping[str, Any]) -> None:
        """Load all of it.

        Args:
            adapter, shots: The version's artifacts.
            settings: Its `model_config`: `base` (a name as in params.yaml, or a folder), `base_weights`, `dtype`,
                `batch_size` and `max_new_tokens`.

        Raises:
            PipelineError: The base cannot be found, or is not the one that the adapter was trained on.
        """
        examples = read_records(shots, Question)
        base = _base(settings["base"], settings["base_weights"])
        self._responder = Responder.load(base, settings["dtype"], examples, settings["batch_size"], adapter)
        self._decoding = Decoding(settings["max_new_tokens"])

    def answers(self, questions: Sequence[tuple[str, str]]) -> list[str]:
        """The greedy response to each (question, language).

        Raises:
            PipelineError: A language has no templates.
        """
        for _, lang in questions:
            language(lang)
        return [response.text for (response,) in self._responder.respond(questions, self._decoding)]


def _base(name: str, weights: str) -> ModelEntry:
    advice = "give its folder when you load the model: model_config={'base': PATH}"
    try:
        entry = resolve("policy", name, PACKAGED_FOLDER)
    except PipelineError as error:
        raise PipelineError(f"base model `{name}`: {error}; {advice}") from None
    if weights_fingerprint(entry.folder) != weights:
        raise PipelineError(f"base model `{name}`: has other weights than the adapter was trained on; {advice}")
    return entry
