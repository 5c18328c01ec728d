"""Translating texts: by a served chat model, a sequence-to-sequence checkpoint, or the local language model.

`translator` chooses by name; `served`, `seq2seq`, `converted` (CTranslate2) and `local` translate; `sentences` splits
long texts and joins them, `direction` finds how a checkpoint is told the languages, `checks` refuses what is useless.
"""

from components.translation.checks import translate_checked
from components.translation.translator import LazyTranslator, Translation, Translator, load_translator

__all__ = ["LazyTranslator", "Translation", "Translator", "load_translator", "translate_checked"]
