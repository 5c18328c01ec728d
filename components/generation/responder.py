"""A model that answers questions: checkpoint, adapter, prompt format and sampler in one hand."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from components.contracts import ModelEntry, Question
from components.generation.models import load_model, load_tokenizer
from components.generation.prompts import PromptFormat
from components.generation.sampler import Decoding, Generated, generate
from components.lang.thoughts import split_thought


@dataclass(frozen=True)
class Response:
    """A response as text; `truncated` where the length limit ended it."""

    text: str
    """Without the thought."""
    num_tokens: int
    """Generated, the thought's included."""
    truncated: bool
    thought: str | None = None


class Responder:
    """Answers questions in their own language."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401
        prompt_format: PromptFormat,
        batch_size: int,
        generate: Callable[..., list[list[Generated]]] = generate,
    ) -> None:
        """`batch_size` counts responses decoded together; `generate` is the sampler's, or shares its work."""
        self.model, self.prompt_format, self.batch_size, self._generate = model, prompt_format, batch_size, generate

    @classmethod
    def load(
        cls,
        entry: ModelEntry,
        dtype: str,
        shots: Sequence[Question],
        batch_size: int,
        adapter: Path | None = None,
    ) -> "Responder":
        """Load checkpoint and tokenizer; the adapter is folded into the loaded weights, which are only read from."""
        model: Any = load_model(entry, dtype, adapter)
        if adapter is not None:
            model = model.merge_and_unload()
        return cls(model, PromptFormat(load_tokenizer(entry), shots), batch_size)

    def respond(
        self,
        questions: Sequence[tuple[str, str]],
        decoding: Decoding,
        num_samples: int = 1,
    ) -> list[list[Response]]:
        """`num_samples` responses to each (question, language)."""
        prompts = [self.prompt_format.prompt_ids(question, lang) for question, lang in questions]
        return self.respond_to_prompts(prompts, decoding, num_samples)

    def respond_to_prompts(
        self,
        prompts: Sequence[list[int]],
        decoding: Decoding,
        num_samples: int = 1,
    ) -> list[list[Response]]:
        """`num_samples` responses to each prompt, given as token ids (P,)."""
        groups = self._generate(
            self.model,
            prompts,
            decoding,
            stop_ids=self.prompt_format.stop_ids,
            pad_id=int(self.prompt_format.tokenizer.pad_token_id),
            num_samples=num_samples,
            batch_size=self.batch_size,
        )
        return [[self._read(generated) for generated in group] for group in groups]

    def _read(self, generated: Generated) -> Response:
        thought, text = split_thought(self.prompt_format.response_text(generated.token_ids))
        return Response(text, len(generated.token_ids), generated.truncated, thought)


def seed_piece(seed: int, key: str) -> None:
    """Seed torch for one piece of work, so that it comes out the same whatever ran before it in the process."""
    torch.manual_seed(zlib.crc32(f"{seed}/{key}".encode()))
