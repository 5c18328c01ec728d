"""Translating texts from English: by a served chat model, or by a sequence-to-sequence checkpoint."""

from components.translation.checks import translate_checked
from components.translation.translator import Translation, Translator, load_translator

__all__ = ["Translation", "Translator", "load_translator", "translate_checked"]
