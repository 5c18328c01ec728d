"""A model on a benchmark's items."""

from collections.abc import Sequence
from typing import Any

import torch

from components.benchmarks.items import Item
from components.benchmarks.read import read_choice, read_text
from components.benchmarks.sample import BenchmarkSample
from components.benchmarks.setup import Setup
from components.contracts import PipelineError
from components.generation.likelihood import continuation_logps
from components.generation.prompts import TURN_ENDS
from components.generation.responder import Response
from components.generation.sampler import Decoding, Generated, generate
from components.lang.thoughts import split_thought

_TAIL = 24  # tokens that are searched for the end of a response: more than any stop has


class Answerer:
    """One system: a model, its tokenizer, and how many responses are decoded together."""

    def __init__(self, name: str, model: Any, tokenizer: Any, batch_size: int, *, chat: bool = False) -> None:  # noqa: ANN401
        """`chat`: the prompt as a user's turn in the checkpoint's template."""
        self.name, self.model, self.tokenizer, self._batch_size, self._chat = name, model, tokenizer, batch_size, chat

    def texts(self, setup: Setup, items: Sequence[Item], decoding: Decoding, num_samples: int) -> list[BenchmarkSample]:
        """`num_samples` responses to each item, read.

        Raises:
            PipelineError: A prompt and its response do not fit into the model.
        """
        prompts = [self.encode(item.prompt) for item in items]
        self._check_room(items, prompts, decoding.max_new_tokens)
        stops = [[stop.format_map(setup.words(item.lang)) for stop in setup.stop] for item in items]
        groups = generate(
            self.model,
            prompts,
            decoding,
            stop_ids=self._stop_ids(),
            pad_id=int(self.tokenizer.pad_token_id),
            num_samples=num_samples,
            batch_size=self._batch_size,
            is_complete=lambda number, ids: self._ends_with_any(stops[number], ids),
        )
        return [
            read_text(setup, self.name, item, number, self._response(generated, own))
            for item, own, group in zip(items, stops, groups, strict=True)
            for number, generated in enumerate(group)
        ]

    def choices(self, setup: Setup, items: Sequence[Item]) -> list[BenchmarkSample]:
        """The likeliest continuation of each item."""
        asked = []
        for item in items:
            prompt = self.encode(item.prompt)
            # Cut where the prompt's own tokens end, so that a space goes with the word behind it.
            asked.append((prompt, [self.encode(item.prompt + own)[len(prompt) :] for own in item.continuations]))
        self._check_room(items, [prompt for prompt, _ in asked], 1)
        logps = continuation_logps(
            self.model, asked, pad_id=int(self.tokenizer.pad_token_id), batch_size=self._batch_size
        )
        return [
            read_choice(setup, self.name, item, own, sum(map(len, continuations)))
            for item, own, (_, continuations) in zip(items, logps, asked, strict=True)
        ]

    def encode(self, prompt: str) -> list[int]:
        """Token ids (P,) of a prompt."""
        if self._chat:
            turns = [{"role": "user", "content": prompt}]
            prompt = str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        return list(self.tokenizer(prompt, add_special_tokens=not self._chat)["input_ids"])

    def _stop_ids(self) -> torch.Tensor:
        """Ids (S,) int64 that end a response whatever the set-up: end-of-text, and in a chat the turn's end."""
        added = self.tokenizer.get_added_vocab() if self._chat else {}
        ends = {number for token, number in added.items() if token in TURN_ENDS}
        return torch.tensor(sorted(ends | {self.tokenizer.eos_token_id}))

    def _response(self, generated: Generated, stops: Sequence[str]) -> Response:
        text = str(self.tokenizer.decode(generated.token_ids, skip_special_tokens=True))
        for stop in stops:
            text = text.split(stop)[0]
        thought, answer = split_thought(text)
        return Response(answer.strip(), len(generated.token_ids), generated.truncated, thought)

    def _ends_with_any(self, stops: Sequence[str], ids: list[int]) -> bool:
        text = self.tokenizer.decode(ids[-_TAIL:], skip_special_tokens=False)
        return any(stop in text for stop in stops)

    def _check_room(self, items: Sequence[Item], prompts: Sequence[list[int]], num_new: int) -> None:
        room = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        for item, prompt in zip(items, prompts, strict=True):
            if room is not None and len(prompt) + num_new > room:
                raise PipelineError(
                    f"{item.problem_id} in `{item.lang}`: {len(prompt)} tokens and {num_new} more do not fit into the "
                    f"model's {room}; ask for fewer worked examples (--shots)"
                )
