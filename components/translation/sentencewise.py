"""What translators have in common that hold a checkpoint here: a direction is set, sentences go in batches."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from components.translation.direction import Direction, find_direction
from components.translation.sentences import batches, split_sentences, translate_parts
from components.translation.translator import Translation

BATCH_SIZE = 32  # sentences
MAX_NEW_TOKENS = 256  # of one sentence


@dataclass(frozen=True)
class SentenceTranslator(ABC):
    """One checkpoint; greedy, sentence by sentence."""

    name: str
    tokenizer: Any
    model: Any

    def translate(self, texts: Sequence[str], target: str, source: str = "en") -> list[Translation]:
        """See `Translator.translate`."""
        direction = find_direction(self.tokenizer, self.name, target, source)
        if direction.source is not None:
            self.tokenizer.src_lang = direction.source
        return translate_parts(texts, split_sentences, partial(self._translate, direction=direction), target)

    def _translate(self, sentences: list[str], direction: Direction) -> Iterator[Translation]:
        for batch in batches([direction.prefix + sentence for sentence in sentences], BATCH_SIZE):
            yield from self._translate_batch(batch, direction)

    @abstractmethod
    def _translate_batch(self, sentences: list[str], direction: Direction) -> Iterator[Translation]:
        """One translation a sentence, in order; a sentence longer than the model takes has none."""
