"""Scripts: which one a letter is of, which one a language is written in, and Chinese told from Japanese.

Scripts are named by ISO 15924 codes, with `Hani` for all Chinese characters, `Kana` for Japanese and `Hang` for Korean.
"""

from dataclasses import dataclass
from functools import lru_cache

from babel.core import get_global

LETTERS = {
    "Latn": "A-Za-zªºÀ-ÖØ-öø-ʯ\u0300-\u036fḀ-ỿＡ-Ｚａ-ｚ",
    "Cyrl": "\u0400-\u052f",
    "Arab": "\u0610-\u061a\u0620-\u065f\u066e-\u06d3\u06d5-\u06ef\u06fa-\u06ff"
    "\u0750-\u077f\u200c\ufb50-\ufdff\ufe70-\ufefc",
    "Deva": "\u0900-\u0963\u0971-\u097f",
    "Hani": "々〆\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af",
    "Kana": "ぁ-ゖゝ-ゟァ-ヺー-ヿｦ-ﾟ",
    "Hang": "ᄀ-ᇿㄱ-ㆎ가-힣",
    "Thai": "\u0e01-\u0e3a\u0e40-\u0e4e",
    "Beng": "\u0980-\u09e3\u09f0-\u09f1",
    "Telu": "\u0c00-\u0c63",
    "Taml": "\u0b80-\u0be3",
    "Gujr": "\u0a80-\u0ae3",
    "Guru": "\u0a00-\u0a63\u0a70-\u0a75",
    "Knda": "\u0c80-\u0ce3",
    "Mlym": "\u0d00-\u0d63\u0d7a-\u0d7f",
    "Orya": "\u0b00-\u0b63\u0b71",
    "Sinh": "\u0d80-\u0ddf",
    "Grek": "\u0370-\u0377\u037b-\u037d\u0386\u0388-\u03ff\u1f00-\u1fff",
    "Hebr": "\u0591-\u05f2",
    "Armn": "\u0531-\u0587",
    "Geor": "\u10a0-\u10ff\u1c90-\u1cbf",
    "Khmr": "\u1780-\u17d3",
    "Laoo": "\u0e81-\u0ecd\u0edc-\u0edf",
    "Mymr": "\u1000-\u103f\u1050-\u109f",
    "Ethi": "\u1200-\u135a",
    "Tibt": "\u0f00\u0f40-\u0fbc",
}
"""Letters and vowel signs of each script, as ranges of a regular expression."""

LETTERS_PER_CHARACTER = {"Hani": 3, "Kana": 2, "Hang": 2}
"""How many Latin letters a character stands for, where it is not one: by the lengths of MGSM's questions."""

_SAME_SCRIPT = {"Hans": "Hani", "Hant": "Hani", "Jpan": "Kana", "Hira": "Kana", "Hrkt": "Kana", "Kore": "Hang"}
_SAME_LANGUAGE = {"iw": "he", "in": "id", "no": "nb", "fil": "tl", "cmn": "zh", "yue": "zh", "sh": "sr"}

_CHINESE = frozenset("个她它你您把很")
"""Japanese standards have them, but no Japanese text without kana does."""
_OFTEN_CHINESE = frozenset("的是我了在有到他其也就和來都要被再又共不所因而")
"""Japanese has them too, but seldom several in one sentence without kana."""
_LEAST_KANA = 0.1  # of Chinese characters and kana together: from here on a sentence is Japanese


@dataclass(frozen=True, slots=True)
class Target:
    """The language a text should be in."""

    tag: str
    """As it was asked for."""
    code: str
    """Its language subtag, in the form that lingua uses; empty where the tag is none."""
    script: str | None
    """None where the tag is none."""


@lru_cache(maxsize=256)
def target(tag: str) -> Target:
    """What a BCP-47 tag says, and the script it leaves out. Never raises."""
    subtags = tag.replace("_", "-").split("-")
    code = subtags[0].lower()
    likely: str | None = get_global("likely_subtags").get(code)
    if likely is None or code == "und":
        return Target(tag, "", None)
    script = next((part.title() for part in subtags[1:] if len(part) == 4 and part.isalpha()), likely.split("_")[1])
    return Target(tag, _SAME_LANGUAGE.get(code, code), _SAME_SCRIPT.get(script, script))


def language_of(script: str) -> str | None:
    """The language that a script is most written for, as BCP-47 code; None where it is not a script."""
    likely: str | None = get_global("likely_subtags").get(f"und_{script}")
    return likely.split("_")[0] if likely else None


def han_language(han: str, kana: str, around: str | None) -> str:
    """`ja` or `zh`: the language of a sentence's Chinese characters.

    Args:
        han, kana: The sentence's Chinese characters and kana.
        around: The language of the text's other sentences, which decides where the sentence does not; None: none.
    """
    chinese = sum(character in _CHINESE or not _in(character, "shift_jis") for character in han)
    if len(kana) > chinese and len(kana) >= _LEAST_KANA * (len(han) + len(kana)):
        return "ja"
    often = sum(character in _OFTEN_CHINESE for character in han)
    japanese = sum(_only_japanese(character) for character in han)
    if chinese > japanese or (often >= 2 and not japanese):
        return "zh"
    return "ja" if japanese else around or "zh"


@lru_cache(maxsize=32768)
def _only_japanese(character: str) -> bool:
    """A form that only Japanese standards know: 円, 単, 込."""
    return _in(character, "shift_jis") and not _in(character, "gb2312") and not _in(character, "big5")


@lru_cache(maxsize=65536)
def _in(character: str, standard: str) -> bool:
    try:
        character.encode(standard)
    except UnicodeEncodeError:
        return False
    return True
