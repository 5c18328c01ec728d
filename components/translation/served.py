"""Translation by a chat model behind an OpenAI-compatible server."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.lang import language
from components.server import Chat, ChatPrompt, ChatServer
from components.translation.translator import Translation

MAX_TOKENS = 4096  # with room for a thinking model's thought
_REQUEST = (
    "Translate the following text from English to {language}. Keep every number in digits, as it is. "
    "Do not solve or explain anything; write the translation alone.\n\n{text}"
)


@dataclass(frozen=True)
class ServedTranslator:
    """Asks for one text at a time, many side by side."""

    server: ChatServer

    @classmethod
    def from_environment(cls, model: str) -> "ServedTranslator":
        """The model `model` of the server that the environment names.

        Raises:
            PipelineError: The server's address is missing or wrong.
        """
        return cls(ChatServer.from_environment(model))

    def translate(self, texts: Sequence[str], lang: str) -> list[Translation]:
        """See `Translator.translate`.

        Raises:
            ServerError: The server refused a text, or did not answer often enough.
        """
        name = language(lang).name
        requests = [_REQUEST.format(language=name, text=text) for text in texts]
        prompts = [ChatPrompt((("user", request),), 0.0, MAX_TOKENS, 0) for request in requests]
        answers: dict[int, Chat] = {}
        self.server.ask_all(prompts, answers.__setitem__)
        return [Translation.of(answers[i].text, not answers[i].truncated) for i in range(len(texts))]
