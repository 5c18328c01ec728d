"""Translation by a sequence-to-sequence checkpoint: NLLB, M2M100, mBART-50, OPUS-MT, MADLAD-400 and the like.

What tells the families apart is the tokens that they name languages with (codes.yaml), nothing else.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from components.contracts import PipelineError
from components.lang import language
from components.translation.translator import Translation

CODES = Path(__file__).with_name("codes.yaml")
BATCH_SIZE = 32  # sentences
MAX_NEW_TOKENS = 256  # of one sentence
_KEY = "params.yaml: `problems.translator`"
_PROBE = "Emma has 5 apples."
_SENTENCE_END = re.compile(r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<=[.!?])\s+|\s*\n\s*")


@dataclass(frozen=True, slots=True)
class _Target:
    """How a checkpoint is told the language."""

    first_token: int | None = None
    """Id of the token that the translation is made to begin with."""
    source: str | None = None
    """The tokenizer's name for English; None where it takes none."""
    prefix: str = ""
    """In front of the English text."""


@dataclass(frozen=True)
class Seq2SeqTranslator:
    """One checkpoint; greedy, sentence by sentence: such models are trained on sentences, and drop some of many."""

    name: str
    tokenizer: Any
    model: Any

    @classmethod
    def load(cls, name: str) -> "Seq2SeqTranslator":
        """Load a folder or a hub name: safetensors only, never with remote code.

        Raises:
            PipelineError: It is no such checkpoint, or has no tokenizer of its own.
        """
        path = str(Path(name).expanduser()) if name[0] in "./~" else name
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
            model: Any = AutoModelForSeq2SeqLM.from_pretrained(
                path, dtype=torch.float32, trust_remote_code=False, use_safetensors=True
            )
        except (OSError, ValueError, ImportError, SafetensorError) as error:
            raise PipelineError(f"{_KEY}: {name}: {' '.join(str(error).split())[:300]}") from None
        # transformers makes an empty tokenizer up where the files are missing
        if set(tokenizer(_PROBE, add_special_tokens=False)["input_ids"]) <= {tokenizer.unk_token_id}:
            raise PipelineError(f"{_KEY}: {name} has no tokenizer; save it there")
        return cls(name, tokenizer, model.to("cuda" if torch.cuda.is_available() else "cpu").eval())

    def translate(self, texts: Sequence[str], lang: str) -> list[Translation]:
        """See `Translator.translate`."""
        target = self._target(lang)
        if target.source is not None:
            self.tokenizer.src_lang = target.source
        sentences = [[part for part in _SENTENCE_END.split(text) if part] for text in texts]
        todo = iter([target.prefix + part for parts in sentences for part in parts])
        done: list[Translation] = []
        while batch := list(islice(todo, BATCH_SIZE)):
            done += self._translate_batch(batch, target)
        translated = iter(done)
        return [_joined(list(islice(translated, len(parts))), lang) for parts in sentences]

    def _translate_batch(self, sentences: Sequence[str], target: _Target) -> Iterator[Translation]:
        inputs = self.tokenizer(list(sentences), return_tensors="pt", padding=True).to(self.model.device)
        lengths = inputs["attention_mask"].sum(dim=1).tolist()
        if inputs["input_ids"].shape[1] > self._max_length:
            inputs = inputs.__class__({key: value[:, : self._max_length] for key, value in inputs.items()})
        with torch.inference_mode():
            output = self.model.generate(
                **inputs,
                forced_bos_token_id=target.first_token,
                num_beams=1,
                do_sample=False,
                max_new_tokens=MAX_NEW_TOKENS,
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

    def _token_id(self, token: str | None) -> int | None:
        """Id of a token that stands for a language; None where the tokenizer has none."""
        # not get_vocab(): M2M100's leaves its languages out
        number = None if token is None else self.tokenizer.convert_tokens_to_ids(token)
        return None if number == self.tokenizer.unk_token_id else number

    def _target(self, lang: str) -> _Target:
        codes = _read_codes()
        for missing in {lang, "en"} - codes.keys():
            raise PipelineError(f"{CODES}: no language `{missing}`; add how translation models name it")
        for token, source in zip(codes[lang]["first"], codes["en"]["first"], strict=True):
            if (number := self._token_id(token)) is not None:
                return _Target(first_token=number, source=source.strip("_"))  # M2M100: `en`
        for token in codes[lang]["prefix"]:
            if self._token_id(token) is not None:
                return _Target(prefix=f"{token} ")
        names = {lang, *(token.strip("<>2") for token in codes[lang]["prefix"])}
        if self.tokenizer.init_kwargs.get("target_lang") in names:  # an OPUS-MT model of one pair
            return _Target()
        raise PipelineError(f"{_KEY}: {self.name} names no token for `{lang}`; take one that translates into it")


def _read_codes() -> dict[str, Any]:
    return dict(yaml.safe_load(CODES.read_text(encoding="utf-8")))


def _joined(sentences: Sequence[Translation], lang: str) -> Translation:
    """A text from its sentences; without one of them there is none."""
    parts = [sentence.text for sentence in sentences if sentence.text is not None]
    if len(parts) < len(sentences):
        return next(sentence for sentence in sentences if sentence.text is None)
    return Translation.of(language(lang).sentence_gap.join(parts), is_whole=True)
