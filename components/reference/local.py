"""Asking a pivot that runs here."""

import time
from collections.abc import Callable

from components.contracts import ModelEntry, Sample
from components.generation.journal import Journal
from components.generation.prompts import PromptFormat
from components.generation.responder import Responder, seed_piece
from components.generation.sampler import Decoding
from components.params import Params
from components.reference.samples import Asked, make_sample

PIECE = 64  # questions whose samples are written together; a killed stage loses at most these


def ask_model(
    entry: ModelEntry, params: Params, asked: Asked, journal: Journal, on_progress: Callable[[int], None]
) -> list[Sample]:
    """All samples, by question and number.

    A piece is seeded by its place, so a resumed stage draws what an undisturbed one draws.
    """
    responder = Responder.load(entry, params.models.dtype, [], params.sampling.batch_size)
    decoding = Decoding(params.reference.max_new_tokens, params.reference.temperature, params.sampling.top_k)
    num_samples = params.reference.num_samples

    def ask(key: str, piece: Asked) -> list[Sample]:
        seed_piece(params.base.seed, f"reference/{key}")
        return _ask_piece(responder, decoding, num_samples, piece)

    samples: list[Sample] = []
    for start in range(0, len(asked), PIECE):
        piece, key = asked[start : start + PIECE], f"{start:06d}"
        samples += journal.piece(key, Sample, lambda key=key, piece=piece: ask(key, piece))  # type: ignore[misc]
        on_progress(len(piece) * num_samples)
    return samples


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
