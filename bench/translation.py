"""Measure how well the packaged model translates news sentences into English, from its few-shot prompt.

Run alone: python -m bench.translation. Needs ../shared/data (NTREX-128). Beside it, as lower bounds: the source text as
it is, and the English of another sentence. A sentence without a translation counts as an empty one.
"""

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from bench.languages import DATA, NTREX
from components.models.packaged import PACKAGED_MODEL
from components.models.resolve import resolve
from components.problems.build import ask, draw_problems
from components.problems.families import load_families
from components.translation.local import LocalTranslator, Pairs

LANGUAGES = ("es", "de", "fr", "ru", "zh", "ja", "th", "sw", "bn", "te")
MODEL_FOLDER = Path(".cache/packaged")
NUM_PAIRS = 5


def example_pairs(languages: Sequence[str]) -> Pairs:
    """The first problem of a few families, in each language and in English."""
    families = [family for family in load_families() if not family.unseen and family.shot is not None]
    problems = [next(draw_problems(family, seed=0)) for family in islice(families, NUM_PAIRS)]
    return {
        lang: [(ask(one, "train", lang).question, ask(one, "train", "en").question) for one in problems]
        for lang in languages
    }


def sentences(code: str, count: int) -> list[str]:
    """Sentences spread evenly over NTREX-128; the same ones in every language."""
    lines = (DATA / "ntrex-128" / f"newstest2019-{NTREX[code]}.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in islice(lines[:: len(lines) // count], count)]


def scores(found: Sequence[str], english: Sequence[str]) -> str:
    """Cells: corpus chrF and BLEU, each 0 to 100."""
    return f"{CHRF().corpus_score(found, [english]).score:.1f} | {BLEU().corpus_score(found, [english]).score:.1f}"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num", type=int, default=64, help="sentences a language")
    count = parser.parse_args().num
    MODEL_FOLDER.parent.mkdir(exist_ok=True)
    entry = resolve("policy", PACKAGED_MODEL, MODEL_FOLDER)
    translator = LocalTranslator.load(entry, "auto", example_pairs(LANGUAGES))
    english = sentences("en", count)
    print("| language | chrF | BLEU | copied: chrF | BLEU | another sentence: chrF | BLEU | no translation |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for code in LANGUAGES:
        texts = sentences(code, count)
        translations = translator.translate(texts, "en", code)
        failed = sum(translation.text is None for translation in translations)
        rows = [translation.text or "" for translation in translations], texts, english[1:] + english[:1]
        cells = " | ".join(scores(row, english) for row in rows)
        print(f"| {code} | {cells} | {failed} of {count} |", flush=True)


if __name__ == "__main__":
    main()
