"""A translation of a problem is of use only where it has the problem's numbers and is in the language asked for."""

from collections import Counter
from collections.abc import Sequence

from components.answers.numbers import find_numbers
from components.answers.plain import plain_text
from components.lang.share import language_shares
from components.translation.translator import Translation, Translator

_LEAST_SHARE = 0.5  # of the letters; names and quotations may stay


def translate_checked(translator: Translator, texts: Sequence[str], lang: str) -> list[Translation]:
    """Translate from English, and refuse what lost or changed a number, or is not in the language.

    Every number of the original must be there as often as in it. More may be there: languages write as digits what
    English has in words (`nine computers`, 9台).

    Raises:
        PipelineError: See `Translator.translate`.
    """
    translations = translator.translate(texts, lang)
    return [_checked(original, translation, lang) for original, translation in zip(texts, translations, strict=True)]


def _checked(original: str, translation: Translation, lang: str) -> Translation:
    if translation.text is None:
        return translation
    if _numbers(original, "en") - _numbers(translation.text, lang):
        return Translation(text=None, reason="number lost")
    # A choice such as `Paris` or `x = 3` may well stay as it is; a sentence may not.
    if len(original.split()) <= 3:
        return translation
    shares = language_shares(translation.text, lang)
    if shares.language is not None and shares.share < _LEAST_SHARE:
        return Translation(text=None, reason="other language")
    return translation


def _numbers(text: str, lang: str) -> Counter[str]:
    return Counter(number.value for number in find_numbers(plain_text(text), lang))
