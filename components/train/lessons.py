"""What supervised steps learn: English questions with their references, or questions with references translated."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from components.contracts import PipelineError
from components.contracts.files import write_bytes
from components.journal import Journal
from components.train.data import Pairs, TrainingData
from components.train.supervised import Lesson
from components.translation import Translation, Translator, translate_checked


def english_lessons(pairs: Pairs) -> list[Lesson]:
    """Each question with its reference."""
    return [(question, reference.text) for question, reference in pairs if reference.text is not None]


def translated_lessons(
    data: TrainingData, translator: Translator, journal: Journal, say: Callable[[str], None]
) -> list[Lesson]:
    """Each question of the trained languages with its reference in that language.

    A translation that lost a number or is in another language is left out; `say` tells how many and why. A language
    that is done stays done.

    Raises:
        PipelineError: Nothing could be translated, or as `Translator.translate`.
    """
    lessons: list[Lesson] = []
    why: Counter[str] = Counter()
    for lang in sorted({question.lang for question, _ in data.rollouts}):
        own = [pair for pair in data.rollouts if pair[0].lang == lang]
        done = journal.piece(f"lessons-{lang}", Translation, partial(_translated, translator, own, lang))
        for (question, _), translation in zip(own, done, strict=True):
            if translation.text is None:
                why[f"{lang}: {translation.reason}"] += 1
            else:
                lessons.append((question, translation.text))
    reasons = "".join(f"; {reason} {count}" for reason, count in why.most_common())
    say(f"{len(lessons)} of {len(data.rollouts)} references translated{reasons}")
    if not lessons:
        raise PipelineError("no reference could be translated: take another `reward.translator`")
    return lessons


def _translated(translator: Translator, pairs: Pairs, lang: str) -> Sequence[Translation]:
    return translate_checked(translator, [reference.text or "" for _, reference in pairs], lang)


def write_lessons(path: Path, lessons: Sequence[Lesson]) -> None:
    """A row a lesson, whole or not at all."""
    rows = [
        {"lang": question.lang, "problem_id": question.problem_id, "prompt": question.asked, "response": text}
        for question, text in lessons
    ]
    write_bytes(path, pd.DataFrame(rows).to_parquet(index=False))
