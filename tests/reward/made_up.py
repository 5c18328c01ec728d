"""Encoders and rows for tests of the rewards."""

from functools import cache
from typing import Any

import numpy as np

from components.encoding import PACKAGED_ENCODER, Encoder
from components.reward.bank import ReferenceBank, make_bank
from components.reward.build import make_reward
from components.reward.setup import RewardSetup

REFERENCES = [
    "Ana has 12 apples and buys 5 more: 12 + 5 = 17. The answer is 17.",
    "A train goes 60 km an hour. In 3 hours it goes 60 * 3 = 180 km. The answer is 180.",
    "Each box holds 6 eggs.\n4 * 6 = 24.\nThe answer is 24.",
    "Half of 90 is 45. The answer is 45.",
    "It is so.",
]
ROWS: list[dict[str, Any]] = [
    {"completion": text, "lang": lang, "reference_text": REFERENCES[reference], "reference_answer": answer}
    for text, lang, reference, answer in [
        ("Ana tiene 12 manzanas y compra 5 más: 12 + 5 = 17. La respuesta es 17.", "es", 0, "17"),
        ("12 + 5 = 18. La respuesta es 18.", "es", 0, "17"),
        ("Der Zug fährt 60 · 3 = 180 km.\nDie Antwort ist 180.", "de", 1, "180"),
        ("Die Antwort ist 180. Die Antwort ist 180. Die Antwort ist 180. Die Antwort ist 180. Hallo!", "de", 1, None),
        ("每盒有6个鸡蛋。4 × 6 = 24。答案是24。", "zh", 2, "24"),
        ("Each box holds 6 eggs. The answer is 24.", "zh", 2, "24"),
        ("<think>90 / 2</think>Nusu ya 90 ni 45. Jibu ni 45.", "sw", 3, "45"),
        ("", "es", 3, "45"),
        ("Es ist so, wie es ist.", "de", 4, None),
        ("Ana tiene 12 manzanas. " * 12, "es", 0, "17"),
    ]
]


class FixedVectors:
    """In the place of an encoder's model: the vectors of a table."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        self.vectors = vectors

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.array([self.vectors[text] for text in texts], dtype=np.float32)


def fixed_encoder(vectors: dict[str, list[float]]) -> Encoder:
    """Declares the packaged encoder's languages."""
    encoder = Encoder(PACKAGED_ENCODER)
    encoder.__dict__["_model"] = FixedVectors(vectors)
    return encoder


_LOADED = Encoder(PACKAGED_ENCODER)


def packaged_encoder() -> Encoder:
    """The packaged encoder, loaded once; it remembers nothing yet."""
    encoder = Encoder(PACKAGED_ENCODER)
    encoder.__dict__["_model"] = _LOADED._model
    return encoder


@cache
def bank() -> ReferenceBank:
    """Of the made-up references."""
    return make_bank(packaged_encoder(), REFERENCES)


def columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """As TRL hands them over."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {"completions" if name == "completion" else name: [row[name] for row in rows] for name in names}


def reward(name: Any, encoder: Encoder | None = None) -> Any:
    """Any reward that needs no model of its own."""
    return make_reward(name, RewardSetup(), encoder or packaged_encoder(), bank() if name == "margin" else None)
