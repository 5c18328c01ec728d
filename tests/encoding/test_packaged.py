"""Our computation of the packaged encoder against the package's own."""

import random

import numpy as np
import pytest
import torch

from components.encoding import network, table
from components.encoding.network import Network
from components.encoding.packaged import FOLDER
from tests.problems.test_sources import DATA, PUBLISHED, published

TEXTS = [
    "", " ", "a", "☃", "Ana has 12 apples and buys 5 more. The answer is 17.",
    "Ana tiene 12 manzanas y compra 5 más. La respuesta es 17.", "安娜有12个苹果，又买了5个。答案是17。",
    "アンナは12個のリンゴを持っています。", "แอนนามีแอปเปิล 12 ผล", "У Анны 12 яблок.", "আনার ১২টি আপেল আছে।",
    "అన్న దగ్గర 12 ఉన్నాయి.",
]  # fmt: skip


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_vectors_are_the_packages(ours, packaged):
    found = ours.encode(TEXTS)
    assert (found.shape, found.dtype) == ((len(TEXTS), 512), np.float32)
    np.testing.assert_allclose(found, packaged.encode(TEXTS), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.slow
@published
@pytest.mark.parametrize("lang", sorted(PUBLISHED))
def test_published_questions_short_and_long(lang, ours, packaged):
    questions = [line.rpartition("\t")[0] for line in (DATA / "mgsm" / f"mgsm_{lang}.tsv").read_text().splitlines()]
    texts = [*questions[:12], " ".join(questions)[:8000]]
    assert len(texts[-1]) == 8000
    assert cosines(ours.encode(texts), packaged.encode(texts)).min() >= 0.9999


def test_a_text_of_8000_characters_is_heard_to_its_end(ours, packaged):
    text = "The shop sold twelve red apples. " * 250
    ends = [text[:7980] + end for end in ("It was closed.", "Er hieß Karl.", "")]
    found = ours.encode(ends)
    np.testing.assert_allclose(found, packaged.encode(ends), atol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-4
    assert np.abs(found[0] - found[2]).max() > 1e-4


def test_a_text_does_not_hear_the_others(ours):
    alone = np.concatenate([ours.encode([text]) for text in TEXTS])
    order = list(range(len(TEXTS))) * 30
    random.Random(0).shuffle(order)
    np.testing.assert_allclose(ours.encode([TEXTS[i] for i in order]), alone[order], atol=1e-5)


def test_batches_of_any_size_give_the_same(ours, monkeypatch):
    texts = [*TEXTS, " ".join(TEXTS * 5)]  # which no batch holds whole
    expected = ours.encode(texts)
    for size in (6, 50, 100_000):
        monkeypatch.setattr(network, "_BATCH_ROWS", size)
        np.testing.assert_allclose(ours.encode(texts), expected, atol=1e-5)


def test_a_full_table_starts_over(ours, monkeypatch):
    monkeypatch.setattr(table, "_CAPACITY", 30)
    small = Network(weights())
    expected = ours.encode(TEXTS)
    ids = ours.tokenizer.encode(TEXTS)
    one_by_one = torch.cat([small.encode([[each]]) for each in ids])
    np.testing.assert_allclose(one_by_one, expected, atol=1e-5)
    assert len(small._table.rows.blocks) == 30
    np.testing.assert_allclose(small.encode([ids]), expected, atol=1e-5)  # more tokens than it has rows
    np.testing.assert_allclose(small.encode([ids[:3]]), expected[:3], atol=1e-5)


def weights() -> dict[str, torch.Tensor]:
    with np.load(FOLDER / "weights.npz", allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
