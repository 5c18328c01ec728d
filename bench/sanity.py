"""Is a gain more than form? Systems on `test` under other worked examples and decodings.

Needs a finished pipeline (`make repro`). Run: `python -m bench.sanity [--systems base trained] [--num-samples 2]`.
Worked examples: `native` (the question's language, as always), `english` (the same in English), `none`; decoding:
greedy, and sampled as in training. Accuracy is macro over the trained languages, gains are over the first system,
paired by problem. Where a gain shows under `native` alone, form was learned. Writes benchmarks/sanity.json.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.answers.reading import read_answer
from components.answers.verdict import grade
from components.contracts import Question, read_manifest, write_json
from components.environment import prepare_process
from components.generation.responder import Responder, seed_piece
from components.generation.sampler import Decoding
from components.lang.share import response_shares
from components.params import load_params
from components.questions import read_questions
from components.statistics import Outcome, PairedBootstrap

PROBLEMS = Path("data/problems")
ADAPTERS = {"base": None, "warmup": Path("adapters/warmup"), "trained": Path("adapters/trained")}
EXAMPLES = ("native", "english", "none")
COLUMNS = ("worked examples", "decoding", "system", "accuracy", "gain", "in language", "cut off", "tokens")


def main() -> None:
    """Print a line a condition and system as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", nargs="+", choices=list(ADAPTERS), default=["base", "trained"])
    parser.add_argument("--num-samples", type=int, default=2)
    asked = parser.parse_args()
    prepare_process(offline=True)
    rows = []
    print(f"| {' | '.join(COLUMNS)} |")
    for examples in EXAMPLES:
        for num_samples in (0, asked.num_samples):
            found = {system: _answers(system, examples, num_samples) for system in asked.systems}
            for system in asked.systems:
                row = _row(found, system, asked.systems[0], examples, num_samples)
                rows.append(row)
                print(f"| {' | '.join(map(str, row.values()))} |", flush=True)
    write_json(Path("benchmarks/sanity.json"), rows)


def _answers(system: str, examples: str, num_samples: int) -> list[dict[str, Any]]:
    """Every response of `system` to the trained languages' questions, judged; `num_samples` 0 is greedy."""
    params = load_params()
    trained = params.base.trained_languages
    shots = _shots(read_questions(PROBLEMS / "shots.jsonl"), examples, trained)
    size, longest = params.evaluate.batch_size, params.evaluate.max_new_tokens
    responder = Responder.load(read_manifest().policy, params.models.dtype, shots, size, ADAPTERS[system])
    sampling = params.sampling
    decoding = Decoding(longest, sampling.temperature, sampling.top_k) if num_samples else Decoding(longest)
    questions = [q for q in read_questions(PROBLEMS / "test.jsonl") if q.lang in trained]
    seed_piece(params.base.seed, f"sanity-{examples}-{num_samples}")
    groups = responder.respond([(q.asked, q.lang) for q in questions], decoding, max(1, num_samples))
    return [
        {
            "problem_id": question.problem_id,
            "lang": question.lang,
            "sample": number,
            "correct": grade(read_answer(own.text, question.lang, choices=question.choices).value, question.answer),
            "language_share": response_shares(own.text, question.lang, question.question)[1].share,
            "truncated": own.truncated,
            "num_tokens": own.num_tokens,
        }
        for question, group in zip(questions, groups, strict=True)
        for number, own in enumerate(group)
    ]


def _shots(shots: Sequence[Question], examples: str, languages: Sequence[str]) -> list[Question]:
    if examples == "native":
        return list(shots)
    english = [shot for shot in shots if shot.lang == "en"] if examples == "english" else []
    return [shot.model_copy(update={"lang": lang}) for lang in languages for shot in english]


def _row(
    found: dict[str, list[dict[str, Any]]], system: str, first: str, examples: str, num_samples: int
) -> dict[str, Any]:
    outcomes = [  # each sample as a system of its own, so that a problem's samples are drawn together
        Outcome(f"{name}/{row['sample']}", row["problem_id"], row["lang"], row["correct"])
        for name, rows in found.items()
        for row in rows
        if row["correct"] is not None
    ]
    bootstrap = PairedBootstrap(outcomes, 2000, 0.95, 17)
    count, langs = max(1, num_samples), bootstrap.languages
    own = sum(bootstrap.resampled(f"{system}/{number}", langs) for number in range(count)) / count
    other = sum(bootstrap.resampled(f"{first}/{number}", langs) for number in range(count)) / count
    gain, rows = bootstrap.interval(own - other), found[system]
    return {
        "examples": examples,
        "decoding": f"{num_samples} samples" if num_samples else "greedy",
        "system": system,
        "accuracy": round(100 * float(own[0]), 1),
        "gain": "–" if system == first else f"{100 * gain.mean:+.1f} [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]",
        "in_language": round(100 * sum(row["language_share"] for row in rows) / len(rows), 1),
        "cut_off": round(100 * sum(row["truncated"] for row in rows) / len(rows), 1),
        "tokens": round(sum(row["num_tokens"] for row in rows) / len(rows), 1),
    }


if __name__ == "__main__":
    main()
