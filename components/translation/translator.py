"""What every translator does, and which one a name in params.yaml stands for."""

from collections.abc import Sequence
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from components.contracts import PipelineError

SERVED = "server:"

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
    """Translates English texts."""

    def translate(self, texts: Sequence[str], lang: str) -> list[Translation]:
        """One translation a text, in order.

        Raises:
            PipelineError: The translator does not know the language, or does not answer.
        """


def load_translator(name: str) -> Translator:
    """`server:NAME` is a model behind the server that the environment names; else a folder or a hub name.

    Raises:
        PipelineError: The server's address is missing, or the checkpoint is none that can be used.
    """
    if name == SERVED:
        raise PipelineError("params.yaml: `problems.translator`: `server:` lacks the model's name; write server:NAME")
    if name.startswith(SERVED):
        from components.translation.served import ServedTranslator

        return ServedTranslator.from_environment(name.removeprefix(SERVED))
    from components.translation.seq2seq import Seq2SeqTranslator

    return Seq2SeqTranslator.load(name)
