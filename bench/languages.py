"""Measure how well languages are told: sentences and their first words, asked for as their own language and as others.

Run alone: python -m bench.languages. Needs ../shared/data (NTREX-128, XCOPA). Every `STEP`th sentence; the first four
words, or twelve characters where words are not set off by spaces.
"""

import json
from pathlib import Path

from components.lang import languages
from components.lang.share import language_shares

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
NTREX = {
    "bn": "ref.ben", "de": "ref.deu", "en": "src.eng", "es": "ref.spa", "fr": "ref.fra", "ja": "ref.jpn",
    "ru": "ref.rus", "sw": "ref.swa", "te": "ref.tel", "th": "ref.tha", "zh": "ref.zho-CN",
}  # fmt: skip
XCOPA = ("id", "it", "tr", "vi")
UNSPACED = ("ja", "th", "zh")
STEP = 10
ENOUGH = 0.5


def sentences() -> dict[str, list[str]]:
    """By language."""
    found = {
        code: (DATA / "ntrex-128" / f"newstest2019-{name}.txt").read_text().splitlines() for code, name in NTREX.items()
    }
    for code in XCOPA:
        lines = (DATA / "xcopa" / "data" / code / f"test.{code}.jsonl").read_text().splitlines()
        found[code] = [json.loads(line)["premise"] for line in lines]
    return {code: [line for line in lines[::STEP] if line.strip()] for code, lines in found.items()}


def beginning(sentence: str, code: str) -> str:
    """The first words."""
    return sentence[:12] if code in UNSPACED else " ".join(sentence.split()[:4])


def shares(texts: list[str], code: str) -> tuple[float, float]:
    """How many texts are taken for their own language, and (text, other language) pairs for the other; per cent."""
    own = [language_shares(text, code).share >= ENOUGH for text in texts]
    false = [language_shares(text, other).share >= ENOUGH for text in texts for other in languages() if other != code]
    return 100 * sum(own) / len(own), 100 * sum(false) / len(false)


def main() -> None:
    """Print a table."""
    print("| language | texts | own, sentence | own, first words | false, sentence | false, first words |")
    print("| --- | --- | --- | --- | --- | --- |")
    for code, texts in sorted(sentences().items()):
        (own, false), (own_short, false_short) = (
            shares(texts, code),
            shares([beginning(text, code) for text in texts], code),
        )
        print(f"| {code} | {len(texts)} | {own:.1f} | {own_short:.1f} | {false:.2f} | {false_short:.2f} |")


if __name__ == "__main__":
    main()
