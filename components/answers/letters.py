"""Finding the letter of a choice (A to J) in a response, and telling it from words of one letter.

Letters are Latin in all widths, the Cyrillic and Greek ones that look like Latin ones, and those that number choices
in the language (أ ب ج د). Some are words too: A and I in English, В, А and С in Russian. Such a letter counts where
nothing but a choice can be meant. Time is linear in the length of the text.
"""

import re
import unicodedata
from functools import cache

from components.answers.doubts import is_denied, is_either
from components.answers.plain import plain_text
from components.contracts.records import CHOICE_LETTERS
from components.lang.table import Language

SEVERAL = ""

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
# ... of C'est (but B'dir is Turkish), B-52, i.e., A+B, C# or an equation
_TURKISH = rf"(?:[dt][iıuü]r|y[iıuü]|n[iıuü]n|[dt][ae])(?![{_CASED}])"
_AFTER = rf"(?![{_CASED}°/]|'(?!{_TURKISH})[{_CASED}]|-[{_CASED}]|\.[{_CASED}](?![{_CASED}])|\ ?[=+#%^])"
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
_TATWEEL = "\u0640"
_LISTED = re.compile(r"[\s)*]*[,;/&、][\s(*]*")
_SHORTEST_LIST = 3
_CONTEXT = 40  # characters around a letter in which it is denied
_FURTHEST_LOOK = 4  # characters after a letter that decide what it is


def with_plain_letters(text: str, local_letters: str) -> str:
    """The text with letters and brackets of all kinds in one, and all quotes as asterisks.

    Args:
        text: A response.
        local_letters: What the language numbers choices with instead of A, B, ...; they count where they stand alone.
    """
    if local_letters:
        pattern, latin = _local(local_letters)
        text = text.replace(_TATWEEL, "")  # هـ is how ه stands alone
        text = pattern.sub(lambda match: latin[match[0]], text)
    return text.translate(_PLAIN)


def stated_choice(text: str, start: int, stop: int, row: Language) -> str | None:
    """The first choice A to J that begins in `start`..`stop`, where an answer is announced, and is not denied.

    Args:
        text: As returned by `with_plain_letters`.
        start: Where the announcement (a phrase, a box's brace) ends.
        stop: How far to look.
        row: The language's words for "not", "or" and "and".

    Returns:
        None where there is none, `SEVERAL` where two are offered.
    """
    found = [
        match
        for match in _LETTER.finditer(text, start, stop + _FURTHEST_LOOK)
        if match.start() < stop and _is_meant(text, start, match.start())
    ]
    ends = [start, *(match.end() for match in found)]
    starts = [*(match.start() for match in found), min(len(text), stop + _FURTHEST_LOOK)]
    between = [plain_text(text[end:begin]) for end, begin in zip(ends, starts, strict=True)]
    for index, match in enumerate(found):
        if is_denied(between[index], row, between[index + 1]):
            continue
        if index + 1 < len(found) and (is_either(between[index + 1], row) or _LISTED.fullmatch(between[index + 1])):
            return SEVERAL
        return _latin(match[0])
    return None


def last_choice(text: str, num_choices: int, row: Language) -> str | None:
    """The last letter in brackets, before `.` or `)`, alone on its line or at the text's end; else the only one at all.

    Only those on offer count, none that is denied, and no list of all the choices.

    Args:
        text: As returned by `with_plain_letters`.
        num_choices: 1 to 10.
        row: The language's words for "not".
    """
    found = [*_LAST.finditer(text)]
    letters = [_latin(match[0].lstrip(" *'")) for match in found]
    if len(letters) >= _SHORTEST_LIST and "".join(letters) == CHOICE_LETTERS[: len(letters)]:
        return None
    for match, letter in zip(reversed(found), reversed(letters), strict=True):
        if is_offered(letter, num_choices) and not _is_denied(text, match, row):
            return letter
    sure = [match for match in _LETTER.finditer(text) if match[0].isupper() and match[0] not in _WORDS]
    only = {match[0] for match in _undenied(text, sure, row) if is_offered(match[0], num_choices)}
    return only.pop() if len(only) == 1 else None


def _undenied(text: str, found: list[re.Match[str]], row: Language) -> list[re.Match[str]]:
    """The letters that are not denied; one that is joined to a denied one is denied with it: `A, C and D are wrong`."""
    left: list[re.Match[str]] = []
    denied_from = len(text) + 1
    for match in reversed(found):
        between = plain_text(text[match.end() : denied_from]) if denied_from <= len(text) else ""
        joined = bool(between) and (is_either(between, row) or _LISTED.fullmatch(between) is not None)
        if joined or _is_denied(text, match, row):
            denied_from = match.start()
        else:
            denied_from = len(text) + 1
            left.append(match)
    return left


def _is_denied(text: str, match: re.Match[str], row: Language) -> bool:
    before, behind = text[max(0, match.start() - _CONTEXT) : match.start()], text[match.end() : match.end() + _CONTEXT]
    return is_denied(plain_text(before).rpartition("\n")[2], row, plain_text(behind).partition("\n")[0])


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
    return re.compile(f"(?<!{touching})(?<![A-Za-z0-9])(?:{longest_first})(?!{touching})"), latin
