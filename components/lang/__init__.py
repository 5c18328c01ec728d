"""Languages: their table, and telling which language a text is in."""

from components.lang.table import Language, language, languages

__all__ = ["Language", "language", "languages"]
