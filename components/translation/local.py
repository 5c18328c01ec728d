"""Translation by a causal language model on this machine that was not made for it, such as the packaged Gemma 3 270M.

A base model gets a few parallel pairs and one sentence, and its line's end ends the translation; a model with a chat
template is asked as a served one is. What that is worth is measured by `python -m bench.translation`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from components.contracts import ModelEntry, PipelineError
from components.generation.responder import Responder
from components.generation.sampler import Decoding
from components.lang import language
from components.translation.sentences import batches, split_sentences, translate_parts
from components.translation.translator import REQUEST, Translation

Pairs = Mapping[str, Sequence[tuple[str, str]]]
"""By language: texts in it, each with the same in English."""

BATCH_SIZE = 32  # sentences


@dataclass(frozen=True)
class LocalTranslator:
    """One model; greedy, sentence by sentence, into or out of English."""

    responder: Responder
    pairs: Pairs

    @classmethod
    def load(cls, entry: ModelEntry, dtype: str, pairs: Pairs) -> "LocalTranslator":
        """Load a checkpoint.

        Args:
            dtype: `auto`, `bfloat16` or `float32`.
            pairs: Four or five a language are enough; one line each, and short ones leave more of the model's window.

        Raises:
            PipelineError: There is no checkpoint.
        """
        return cls(Responder.load(entry, dtype, [], BATCH_SIZE), pairs)

    def translate(self, texts: Sequence[str], target: str, source: str = "en") -> list[Translation]:
        """See `Translator.translate`."""
        head = self._head(target, source)
        return translate_parts(texts, split_sentences, partial(self._translate, head=head), target)

    def _translate(self, sentences: list[str], head: "_Head") -> Iterator[Translation]:
        for batch in batches(sentences, BATCH_SIZE):
            # No faithful translation is much longer; a model that goes on is repeating itself.
            decoding = Decoding(max_new_tokens=16 + 2 * max(map(self._num_tokens, batch)))
            prompts = [self._prompt(sentence, head) for sentence in batch]
            for (response,) in self.responder.respond_to_prompts(prompts, decoding):
                yield Translation.of(response.text, not response.truncated)

    def _prompt(self, sentence: str, head: "_Head") -> list[int]:
        """Token ids (P,)."""
        form = self.responder.prompt_format
        if form.is_chat:
            request = REQUEST.format(source=head.source, target=head.target, text=sentence)
            return form.prompt_ids(request, "en")
        blocks = [f"{head.source}: {text}\n{head.target}: {same}" for text, same in [*head.pairs, (sentence, "")]]
        return form.encode("\n\n".join(blocks).rstrip())

    def _num_tokens(self, sentence: str) -> int:
        return len(self.responder.prompt_format.tokenizer(sentence, add_special_tokens=False)["input_ids"])

    def _head(self, target: str, source: str) -> "_Head":
        names = language(source).name, language(target).name
        if self.responder.prompt_format.is_chat:
            return _Head(*names, [])
        pairs = self.pairs.get(source if target == "en" else target)
        if "en" not in (target, source) or not pairs:
            raise PipelineError(f"the local translator has no examples of `{source}` to `{target}`; take another one")
        return _Head(*names, pairs if target == "en" else [(english, text) for text, english in pairs])


@dataclass(frozen=True, slots=True)
class _Head:
    """What a prompt begins with."""

    source: str
    target: str
    pairs: Sequence[tuple[str, str]]
