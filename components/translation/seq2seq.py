"""Translation by a sequence-to-sequence checkpoint: NLLB, M2M100, mBART-50, OPUS-MT, MADLAD-400 and the like.

What tells the families apart is the tokens that they name languages with (codes.yaml), nothing else.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from components.contracts import PipelineError
from components.translation.direction import Direction
from components.translation.sentencewise import MAX_NEW_TOKENS, SentenceTranslator
from components.translation.translator import Translation

_PROBE = "Emma has 5 apples."


class Seq2SeqTranslator(SentenceTranslator):
    """One checkpoint of transformers."""

    @classmethod
    def load(cls, name: str) -> "Seq2SeqTranslator":
        """Load a folder or a hub name: safetensors only, never with remote code.

        Raises:
            PipelineError: It is no such checkpoint, or has no tokenizer of its own.
        """
        try:
            tokenizer = load_tokenizer(name)
            model: Any = AutoModelForSeq2SeqLM.from_pretrained(
                name, dtype=torch.float32, trust_remote_code=False, use_safetensors=True
            )
        except (OSError, ValueError, ImportError, SafetensorError) as error:
            raise PipelineError(f"{name}: {' '.join(str(error).split())[:300]}") from None
        return cls(name, tokenizer, model.to("cuda" if torch.cuda.is_available() else "cpu").eval())

    def _translate_batch(self, sentences: list[str], direction: Direction) -> Iterator[Translation]:
        inputs = self.tokenizer(sentences, return_tensors="pt", padding=True).to(self.model.device)
        lengths = inputs["attention_mask"].sum(dim=1).tolist()
        if inputs["input_ids"].shape[1] > self._max_length:  # these come to nothing below
            inputs = inputs.__class__({key: value[:, : self._max_length] for key, value in inputs.items()})
        first = direction.first_token and self.tokenizer.convert_tokens_to_ids(direction.first_token)
        with torch.inference_mode():
            output = self.model.generate(
                **inputs, forced_bos_token_id=first, num_beams=1, do_sample=False, max_new_tokens=MAX_NEW_TOKENS
            )
        texts = self.tokenizer.batch_decode(output, skip_special_tokens=True)
        for ids, text, length in zip(output[:, 1:].tolist(), texts, lengths, strict=True):
            if length > self._max_length:
                yield Translation(text=None, reason="too long")
                continue
            # Some checkpoints force an end of text at the limit: only one before it counts.
            yield Translation.of(text, self.tokenizer.eos_token_id in ids[: MAX_NEW_TOKENS - 1])

    @cached_property
    def _max_length(self) -> int:
        """Tokens that the encoder takes."""
        positions = getattr(self.model.config, "max_position_embeddings", None)
        return int(min(self.tokenizer.model_max_length, positions or self.tokenizer.model_max_length))


def load_tokenizer(name: str) -> Any:  # noqa: ANN401 - of any family
    """A checkpoint's tokenizer.

    Raises:
        OSError, ValueError, ImportError: It has none; transformers makes an empty one up where the files are missing.
    """
    tokenizer: Any = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    if set(tokenizer(_PROBE, add_special_tokens=False)["input_ids"]) <= {tokenizer.unk_token_id}:
        raise ValueError("no tokenizer here; save it in the folder")
    return tokenizer
