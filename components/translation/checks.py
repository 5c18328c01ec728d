"""A translation of a problem is of use only where it has the problem's numbers."""

from collections import Counter
from collections.abc import Sequence

from components.lang import language
from components.lang.numbers import ascii_digits, find_numbers
from components.translation.translator import Translation, Translator


def translate_checked(translator: Translator, texts: Sequence[str], lang: str) -> list[Translation]:
    """Translate, and refuse what lost or changed a number, or came back in English.

    Every number of the original must be there as often as in it. More may be there: languages write as digits what
    English has in words (`nine computers`, 9台).

    Raises:
        PipelineError: See `Translator.translate`; or the table has no such language.
    """
    translations = translator.translate(texts, lang)
    return [_checked(original, translation, lang) for original, translation in zip(texts, translations, strict=True)]


def _checked(original: str, translation: Translation, lang: str) -> Translation:
    if translation.text is None:
        return translation
    if _numbers(original, "en") - _numbers(translation.text, lang):
        return Translation(text=None, reason="number lost")
    # A choice such as `Paris` or `x = 3` may well stay as it is; a sentence may not.
    if translation.text == original and len(original.split()) > 3:
        return Translation(text=None, reason="left in English")
    return translation


def _numbers(text: str, lang: str) -> Counter[str]:
    return Counter(number.value for number in find_numbers(ascii_digits(text), language(lang).group_marks))
