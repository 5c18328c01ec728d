"""Translation by a checkpoint that CTranslate2 converted: a few times faster on a processor, int8 where converted so.

The folder holds CTranslate2's `model.bin`, `config.json` and vocabulary, and the original checkpoint's tokenizer:
`ct2-transformers-converter --copy_files tokenizer.json tokenizer_config.json ...`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.contracts import PipelineError
from components.progress import say
from components.translation.direction import Direction
from components.translation.sentencewise import MAX_NEW_TOKENS, SentenceTranslator
from components.translation.seq2seq import load_tokenizer
from components.translation.translator import Translation

MAX_LENGTH = 512
"""Tokens of a sentence, at most: converted folders do not say what their encoder takes, and all families take these."""


def is_converted(folder: Path) -> bool:
    """Whether CTranslate2 wrote this folder."""
    vocabularies = [*folder.glob("shared_vocabulary*"), *folder.glob("source_vocabulary*")]
    return (folder / "model.bin").is_file() and bool(vocabularies)


class ConvertedTranslator(SentenceTranslator):
    """One converted checkpoint."""

    @classmethod
    def load(cls, folder: str) -> "ConvertedTranslator":
        """Load a folder.

        Raises:
            PipelineError: CTranslate2 is not installed or does not read the folder, or it has no tokenizer.
        """
        try:
            import ctranslate2
        except ImportError:
            raise PipelineError(f"{folder} needs CTranslate2; run: pip install -e '.[mt]'") from None
        try:
            return cls(folder, load_tokenizer(folder), _on_best_device(ctranslate2, folder))
        except (OSError, ValueError, ImportError, RuntimeError) as error:
            raise PipelineError(f"{folder}: {' '.join(str(error).split())[:300]}") from None

    def _translate_batch(self, sentences: list[str], direction: Direction) -> Iterator[Translation]:
        rows = [self.tokenizer.convert_ids_to_tokens(ids) for ids in self.tokenizer(sentences)["input_ids"]]
        limit = min(self.tokenizer.model_max_length, MAX_LENGTH)
        first = [direction.first_token] if direction.first_token else []
        done = self.model.translate_batch(
            [row[:limit] for row in rows],
            target_prefix=[first] * len(rows),
            beam_size=1,
            max_input_length=0,  # else it cuts at 1024 without a word
            max_decoding_length=MAX_NEW_TOKENS,
            return_end_token=True,
        )
        for row, result in zip(rows, done, strict=True):
            if len(row) > limit:
                yield Translation(text=None, reason="too long")
                continue
            tokens = result.hypotheses[0]
            ids = self.tokenizer.convert_tokens_to_ids(tokens)
            text = self.tokenizer.decode(ids, skip_special_tokens=True)
            yield Translation.of(text, tokens[-1:] == [self.tokenizer.eos_token])


def _on_best_device(library: Any, folder: str) -> Any:  # noqa: ANN401 - ships no types
    """On the accelerator where CTranslate2 computes there: it may find one and lack the libraries of its CUDA."""
    if library.get_cuda_device_count():
        model = library.Translator(folder, device="cuda")
        try:
            model.translate_batch([["</s>"]], max_decoding_length=1)
        except RuntimeError as error:
            say(f"warning: {folder}: on the processor, because CTranslate2 cannot use the accelerator ({error})")
        else:
            return model
    return library.Translator(folder, device="cpu")
