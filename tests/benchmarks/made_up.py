"""Samples of a benchmark and what is told of how they were made, made up."""

from typing import Any

from components.benchmarks.sample import BenchmarkSample


def sample(system: str, problem: int, lang: str, correct: bool | None, **changes: object) -> BenchmarkSample:
    values: dict[str, object] = {
        "system": system, "benchmark": "made_up", "problem_id": str(problem), "lang": lang, "sample": 0,
        "question": "?",
        "prompt": "?", "response": "!", "answer_read": "1", "answer_path": "phrase",
        "gold": None if correct is None else "1", "correct": correct, "published_read": None, "published_correct": None,
        "thought_share": None, "language_share": 1.0, "num_tokens": 5, "truncated": False,
    }  # fmt: skip
    return BenchmarkSample.model_validate(values | changes)


def grid(system: str, verdicts: dict[str, list[bool | None]]) -> list[BenchmarkSample]:
    """One sample a verdict, by language."""
    return [sample(system, i, lang, v) for lang, own in verdicts.items() for i, v in enumerate(own)]


def made(*langs: str, model: str = "tiny") -> dict[str, Any]:
    """As `components.benchmarks.run` tells it."""
    rows = {"source": "published/mgsm", "files": ["mgsm.tsv"], "fingerprint": "0123456789abcdef", "num_rows": 2}
    return {
        "date": "2026-11-28", "benchmark": "made_up", "matches": "mgsm_direct", "differs": "the order", "num_shots": 8,
        "max_new_tokens": 64, "temperature": 0.0, "model": model, "model_fingerprint": "0123456789abcdef",
        "limit": None, "seed": 17, "dtype": "float32", "chat": False, "adapters": {"trained": "fedcba9876543210"},
        "rows": {lang: {"test": rows} for lang in langs}, "versions": {"torch": "2.13.0"},
    }  # fmt: skip
