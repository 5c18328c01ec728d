"""Translation by a chat model behind an OpenAI-compatible server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from components.lang import language
from components.server import Chat, ChatPrompt, ChatServer
from components.translation.sentences import split_pieces, translate_parts
from components.translation.translator import REQUEST, Translation

MAX_TOKENS = 4096  # with room for a thinking model's thought
MAX_CHARACTERS = 3000  # asked at once; a longer text is asked in pieces of whole sentences


@dataclass(frozen=True)
class ServedTranslator:
    """Asks for one text at a time, many side by side."""

    server: ChatServer

    def translate(self, texts: Sequence[str], target: str, source: str = "en") -> list[Translation]:
        """See `Translator.translate`.

        Raises:
            ServerError: The server refused a text, or did not answer often enough.
        """
        names = {"target": language(target).name, "source": language(source).name}
        ask = partial(self._ask, names=names)
        return translate_parts(texts, partial(split_pieces, limit=MAX_CHARACTERS), ask, target)

    def _ask(self, pieces: list[str], names: dict[str, str]) -> Iterator[Translation]:
        requests = [REQUEST.format(text=piece, **names) for piece in pieces]
        prompts = [ChatPrompt((("user", request),), 0.0, MAX_TOKENS, 0) for request in requests]
        answers: dict[int, Chat] = {}
        self.server.ask_all(prompts, answers.__setitem__)
        return (Translation.of(answers[i].text, not answers[i].truncated) for i in range(len(pieces)))
