"""Asking a pivot that runs here."""

import time
from collections.abc import Callable

from components.contracts import ModelEntry, Sample
from components.generation.prompts import PromptFormat
from components.generation.responder import Responder, seed_piece
from components.generation.sampler import Decoding
from components.journal import Journal
from components.params import Params
from components.reference.samples import Asked, make_sample


def ask_model(
    entry: ModelEntry, params: Params, asked: Asked, journal: Journal, on_progress: Callable[[int], None]
) -> list[Sample]:
    """All samples, by question and number.

    Questions with the same examples are asked together: they are alike, so they end together. A piece is one batch, the
    most that a killed stage loses; it is seeded by its place, so a resumed stage draws what an undisturbed one draws.
    """
    responder = Responder.load(entry, params.models.dtype, [], params.sampling.batch_size)
    decoding = Decoding(params.reference.max_new_tokens, params.reference.temperature, params.sampling.top_k)
    num_samples = params.reference.num_samples

    def ask(key: str, piece: Asked) -> list[Sample]:
        seed_piece(params.base.seed, f"reference/{key}")
        return _ask_piece(responder, decoding, num_samples, piece)

    order = sorted(range(len(asked)), key=lambda i: [shot.problem_id for shot in asked[i][1]])
    size = max(1, params.sampling.batch_size // num_samples)
    samples: list[list[Sample]] = [[] for _ in asked]
    for start in range(0, len(order), size):
        places, key = order[start : start + size], f"{start:06d}"
        piece = [asked[i] for i in places]
        drawn = journal.piece(key, Sample, lambda key=key, piece=piece: ask(key, piece))  # type: ignore[misc]
        for position, i in enumerate(places):
            samples[i] = drawn[position * num_samples : (position + 1) * num_samples]
        on_progress(len(drawn))
    return [sample for own in samples for sample in own]


def _ask_piece(responder: Responder, decoding: Decoding, num_samples: int, piece: Asked) -> list[Sample]:
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
        for sample, response in enumerate(group)
    ]
