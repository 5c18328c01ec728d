"""Finding the letter of a choice (A to J) in a response, and telling it from words of one letter.

Letters are Latin, full-width, or the Cyrillic and Greek ones that look like Latin ones. Some are words too: A and I in
English, В, А and С in Russian. Such a letter counts where nothing but a choice can be meant. Time is linear in the
length of the text. Not read yet: the words of a choice instead of its letter.
"""

import re

from components.contracts.records import CHOICE_LETTERS

_LOOKALIKES = dict(zip("АВСЕНІΑΒΕΗΙ", "ABCEHIABEHI", strict=True))
_WORDS = frozenset("AI") | _LOOKALIKES.keys()
_PLAIN = str.maketrans(
    {chr(ord(letter) + 0xFEE0): letter for letter in CHOICE_LETTERS + CHOICE_LETTERS.lower()}
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
    | ^[\ *']*{_BEFORE}[{_UPPER}]{_AFTER}(?=[\ *']*$)
    """,
    re.VERBOSE | re.MULTILINE,
)
_RUNS_ON = re.compile(rf"[ \u00a0]+[*']*[{_CASED}]")
_FURTHEST_LOOK = 4  # characters after a letter that decide what it is


def plain_marks(text: str) -> str:
    """The text with letters and brackets of all widths in one, and all quotes as asterisks; its length stays."""
    return text.translate(_PLAIN)


def stated_choice(text: str, start: int, stop: int) -> str | None:
    """The first choice A to J that begins in `start`..`stop`, where an answer is announced.

    Args:
        text: As returned by `plain_marks`.
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
        text: As returned by `plain_marks`.
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
