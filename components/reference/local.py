"""Asking a pivot that runs here."""

import time
from collections.abc import Callable
from functools import partial

from components.contracts import ModelEntry, Sample
from components.generation.prompts import PromptFormat
from components.generation.responder import Responder, seed_piece
from components.generation.sampler import Decoding
from components.journal import Journal
from components.params import Params
from components.reference.samples import Asked, make_sample


class LocalPivot:
    """A checkpoint, loaded once. It is asked `reference.num_samples` times a question at a time."""

    def __init__(self, entry: ModelEntry, params: Params, journal: Journal) -> None:
        self._params, self._journal = params, journal
        self._responder = Responder.load(entry, params.models.dtype, [], params.sampling.batch_size)

    def ask(self, asked: Asked, first: int, on_progress: Callable[[int], None]) -> list[list[Sample]]:
        """Each question's samples, numbered from `first`.

        Questions with the same examples are asked together: they are alike, so they end together. A piece is one batch,
        the most that a killed stage loses; it is seeded by its place, so a resumed stage draws what an undisturbed one
        draws.
        """
        k = self._params.reference.num_samples
        order = sorted(range(len(asked)), key=lambda i: [shot.problem_id for shot in asked[i][1]])
        size = max(1, self._params.sampling.batch_size // k)
        samples: list[list[Sample]] = [[] for _ in asked]
        for start in range(0, len(order), size):
            places, key = order[start : start + size], f"{first}-{start:06d}" if first else f"{start:06d}"
            piece = [asked[i] for i in places]
            drawn = self._journal.piece(key, Sample, partial(self._draw, key, piece, first))
            for position, i in enumerate(places):
                samples[i] = drawn[position * k : (position + 1) * k]
            on_progress(len(drawn))
        return samples

    def _draw(self, key: str, piece: Asked, first: int) -> list[Sample]:
        rules = self._params.reference
        seed_piece(self._params.base.seed, f"reference/{key}")
        decoding = Decoding(rules.max_new_tokens, rules.temperature, self._params.sampling.top_k)
        return _ask_piece(self._responder, decoding, rules.num_samples, piece, first)


def _ask_piece(responder: Responder, decoding: Decoding, num_samples: int, piece: Asked, first: int) -> list[Sample]:
    tokenizer = responder.prompt_format.tokenizer
    prompts = [PromptFormat(tokenizer, examples).prompt_ids(question.asked, "en") for question, examples in piece]
    started = time.monotonic()
    groups = responder.respond_to_prompts(prompts, decoding, num_samples)
    seconds = (time.monotonic() - started) / (len(piece) * num_samples)
    return [
        make_sample(
            question,
            sample,
            text=response.text,
            thought=response.thought,
            truncated=response.truncated,
            num_tokens=response.num_tokens,
            seconds=seconds,
        )
        for (question, _), group in zip(piece, groups, strict=True)
        for sample, response in enumerate(group, first)
    ]
