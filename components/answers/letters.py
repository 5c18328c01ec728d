"""Finding the letter of a choice (A to J) in a response, and telling it from words of one letter.

Letters are Latin in all widths, the Cyrillic and Greek ones that look like Latin ones, and those that number choices
in the language (أ ب ج د). Some are words too: A and I in English, В, А and С in Russian. Such a letter counts where
nothing but a choice can be meant. Time is linear in the length of the text.
"""

import re
import unicodedata
from functools import cache

from components.contracts.records import CHOICE_LETTERS

_LOOKALIKES = dict(zip("АВСЕНІΑΒΕΗΙ", "ABCEHIABEHI", strict=True))
_WORDS = frozenset("AI") | _LOOKALIKES.keys()
_WIDE = {0xFF21: "{}", 0x1D400: "{}", 0x1D5D4: "{}", 0x24B6: "({})", 0x1F130: "({})", 0x1F150: "({})"}
_WIDE_SMALL = {0xFF41: "{}", 0x24D0: "({})", 0x249C: "({})"}
_PLAIN = str.maketrans(
    {
        first + place: written.format(letter)
        for first, written in _WIDE.items()
        for place, letter in enumerate(CHOICE_LETTERS)
    }
    | {
        first + place: written.format(letter)
        for first, written in _WIDE_SMALL.items()
        for place, letter in enumerate(CHOICE_LETTERS.lower())
    }
    | dict.fromkeys("（［【「『〔[", "(")
    | dict.fromkeys("）］】」』〕]", ")")
    | dict.fromkeys('"“”„«»`$', "*")  # whatever only sets a letter off; apostrophes stay apart, for C'est
    | {"’": "'", "‘": "'", "．": "."}
)
_CASED = "0-9A-Za-zÀ-ɏͰ-ԯ"  # what makes words with a letter; Chinese or Thai around it leaves it alone
_UPPER = f"{CHOICE_LETTERS}{''.join(_LOOKALIKES)}"
_ANY = f"{_UPPER}{CHOICE_LETTERS.lower()}"
# no part of a word, of P(A), d'A, U.S.A, 20 °C, 5 A or N/A ...
_BEFORE = rf"(?<![{_CASED}°/\\])(?<![{_CASED}][.'(-])(?<!\d\s)"
# ... of C'est, B-52, i.e., A+B, C# or an equation
_AFTER = rf"(?![{_CASED}°/]|['-][{_CASED}]|\.[{_CASED}](?![{_CASED}])|\ ?[=+#%^])"
_LETTER = re.compile(rf"{_BEFORE}[{_ANY}]{_AFTER}")
_LAST = re.compile(
    rf"""
      {_BEFORE}(?:(?<=\()[{_ANY}](?=\)) | [{_UPPER}]{_AFTER}(?=[.)。।] | [\ *']*\Z))
    | {_BEFORE}(?<=\*\*)[{_UPPER}](?=\*\*)
    | ^[\ *']*{_BEFORE}[{_UPPER}]{_AFTER}(?=[\ *']*$)
    """,
    re.VERBOSE | re.MULTILINE,
)
_RUNS_ON = re.compile(rf"[ \u00a0]+[*']*[{_CASED}]")
_SCRIPT_RANGES = {
    "ARABIC": "؀-ٟٮ-ۿ", "THAI": "ก-๎", "BENGALI": "ঀ-৥", "DEVANAGARI": "ऀ-ॣ", "TELUGU": "ఀ-౥",
    "HANGUL": "가-힣ㄱ-ㅣ", "KATAKANA": "ァ-ヺー",
}  # fmt: skip
_FURTHEST_LOOK = 4  # characters after a letter that decide what it is


def with_plain_letters(text: str, local_letters: str) -> str:
    """The text with letters and brackets of all kinds in one, and all quotes as asterisks.

    Args:
        text: A response.
        local_letters: What the language numbers choices with instead of A, B, ...; they count where they stand alone.
    """
    if local_letters:
        pattern, latin = _local(local_letters)
        text = pattern.sub(lambda match: latin[match[0]], text)
    return text.translate(_PLAIN)


def stated_choice(text: str, start: int, stop: int) -> str | None:
    """The first choice A to J that begins in `start`..`stop`, where an answer is announced.

    Args:
        text: As returned by `with_plain_letters`.
        start: Where the announcement (a phrase, a box's brace) ends.
        stop: How far to look.
    """
    for match in _LETTER.finditer(text, start, stop + _FURTHEST_LOOK):
        if match.start() < stop and _is_meant(text, start, match.start()):
            return _latin(match[0])
    return None


def last_choice(text: str, num_choices: int) -> str | None:
    """The last letter in brackets, before `.` or `)`, alone on its line or at the text's end; only those on offer.

    Args:
        text: As returned by `with_plain_letters`.
        num_choices: 1 to 10.
    """
    letters = (_latin(match[0].lstrip(" *'")) for match in _LAST.finditer(text))
    return next((letter for letter in reversed(list(letters)) if is_offered(letter, num_choices)), None)


def is_offered(letter: str, num_choices: int) -> bool:
    """Whether a letter A to J is among the first `num_choices`."""
    return CHOICE_LETTERS.index(letter) < num_choices


def _is_meant(text: str, start: int, at: int) -> bool:
    """Whether the letter at `at` is a choice and no word, after an announcement that ends at `start`."""
    letter = text[at]
    if text[at - 1 : at] in ("(", "{") and text[at + 1 : at + 2] in (")", "}"):
        return True
    runs_on = _RUNS_ON.match(text, at + 1) is not None
    if letter.islower():
        return not runs_on and not text[start:at].strip(" \n\u00a0:：*'({=")
    if not runs_on or letter not in _WORDS:
        return True
    # an article or preposition is written large only where a sentence begins
    return letter != "I" and re.match(rf"[{_CASED}]\s", text[max(at - 2, 0) : at]) is not None


def _latin(letter: str) -> str:
    return _LOOKALIKES.get(letter, letter).upper()


@cache
def _local(letters: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds a language's letters where no other letter of their script touches them, and what they stand for."""
    latin = dict(zip(letters, CHOICE_LETTERS, strict=False))
    script = unicodedata.name(letters[0]).split()[0]
    latin |= {"ا": latin["أ"], "الف": latin["أ"]} if "أ" in latin else {}
    latin |= {"أ": latin["ا"], "الف": latin["ا"]} if "ا" in latin else {}
    touching = f"[{_SCRIPT_RANGES[script]}]"
    longest_first = "|".join(sorted(latin, key=len, reverse=True))
    return re.compile(f"(?<!{touching})(?:{longest_first})(?!{touching})"), latin
