"""Languages: their table, reading final answers, and telling which language a text is in."""

from components.lang.answers import Answer, canonical_answer, read_answer, same_answer
from components.lang.share import language_share
from components.lang.table import Language, language, languages

__all__ = [
    "Answer",
    "Language",
    "canonical_answer",
    "language",
    "language_share",
    "languages",
    "read_answer",
    "same_answer",
]
