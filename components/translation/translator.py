"""What every translator does, and which one a name in params.yaml stands for."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from components.contracts import PipelineError

SERVED = "server:"
REQUEST = (
    "Translate the following text from {source} to {target}. Keep every number in digits, written as "
    "{target} writes numbers. Do not solve or explain anything; write the translation alone.\n\n{text}"
)
"""To a chat model; `source` and `target` are languages' English names."""

Reason = Literal["empty", "cut off", "too long", "other language", "number lost"]


class Translation(BaseModel):
    """One text's translation; where there is none, `text` is None and `reason` says why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str | None
    reason: Reason | None = None

    @classmethod
    def of(cls, text: str, is_whole: bool) -> "Translation":
        """What a model gave, unless it is empty or was cut off."""
        if not is_whole:
            return cls(text=None, reason="cut off")
        return cls(text=text.strip()) if text.strip() else cls(text=None, reason="empty")


class Translator(Protocol):
    """Translates texts of any length from one language into another."""

    def translate(self, texts: Sequence[str], target: str, source: str = "en") -> list[Translation]:
        """One translation a text, in order.

        Args:
            target, source: BCP-47 codes; not the same.

        Raises:
            PipelineError: The translator does not know a language or the direction, or does not answer.
        """


class LazyTranslator:
    """A translator that is loaded at its first use. Picklable, without what is loaded, where `load` is.

    >>> LazyTranslator(partial(load_translator, "server:m"))
    """

    def __init__(self, load: Callable[[], Translator]) -> None:
        self.load = load

    def __getstate__(self) -> dict[str, Any]:
        return {"load": self.load}

    @cached_property
    def _loaded(self) -> Translator:
        return self.load()

    def translate(self, texts: Sequence[str], target: str, source: str = "en") -> list[Translation]:
        """See `Translator.translate`; raises what loading raises."""
        return self._loaded.translate(texts, target, source)


def load_translator(name: str, key: str = "problems.translator") -> Translator:
    """`server:NAME` is a model behind the server that the environment names; else a folder or a hub name.

    A folder with CTranslate2's files is taken for one of these. (`LocalTranslator` needs more than a name.)

    Args:
        key: parameter that the name is of, for errors.

    Raises:
        PipelineError: The server's address is missing, or the checkpoint is none that can be used.
    """
    if name == SERVED:
        raise PipelineError(f"params.yaml: `{key}`: `server:` lacks the model's name; write server:NAME")
    if name.startswith(SERVED):
        from components.server import translator_server
        from components.translation.served import ServedTranslator

        return ServedTranslator(translator_server(name.removeprefix(SERVED)))
    from components.translation.converted import ConvertedTranslator, is_converted
    from components.translation.seq2seq import Seq2SeqTranslator

    path = str(Path(name).expanduser()) if name[0] in "./~" else name
    try:
        return ConvertedTranslator.load(path) if is_converted(Path(path)) else Seq2SeqTranslator.load(path)
    except PipelineError as error:
        raise PipelineError(f"params.yaml: `{key}`: {error}") from None
