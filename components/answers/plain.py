"""One way of writing: digits, marks, spaces and signs of all scripts as one kind each, in small letters.

Answers are looked for in text as `plain_text` returns it. Nothing is deleted that could change a number, but characters
that cannot be seen (marks of direction, joiners). Time is linear in the length of the text.
"""

import re
import unicodedata

NBSP = "\u00a0"
SPACES = f" {NBSP}"
CASED = "a-zß-öø-ɏͰ-ϿЀ-ԯ"  # small letters of scripts with case, as ranges of a regular expression
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def _every(category: str) -> list[str]:
    return [chr(code) for code in range(0x80, 0x20000) if unicodedata.category(chr(code)) == category]


_DIGITS = {character: str(unicodedata.decimal(character)) for character in _every("Nd")}
_ONE_KIND = (
    dict.fromkeys("\u2009\u202f\u2007\u2008\u200a", NBSP)
    | dict.fromkeys("\u3000\u2002\u2003", " ")
    | dict.fromkeys("−–﹣－‐\u2011‒⁻➖", "-")
    | dict.fromkeys("’‘ʼʹ＇", "'")
    | dict.fromkeys("％٪﹪", "%")
    | dict.fromkeys("／⁄∕", "/")
    | dict.fromkeys("✕✖⨯", "×")
    | {"．": ".", "：": ":", "＝": "=", "（": "(", "）": ")", "＋": "+", "＄": "$", "＃": "#", "İ": "i"}
)
_REPLACED = _DIGITS | _ONE_KIND | dict.fromkeys(_every("Cf"), "")
# A class with some characters past the first plane is read many times slower than one with all: these are looked up.
_REPLACEABLE = re.compile(
    f"[{''.join(sorted(each for each in _REPLACED if ord(each) < 0x10000))}\U00010000-\U0010ffff]"
)
# A wide comma groups wide digits; between ASCII digits it is a clause's.
_WIDE_COMMA = re.compile(r"(?<=[０-９])，(?=[０-９])|(?<=\d)[،⹁](?=\d)")
_LATEX = [  # what LaTeX writes plain numbers, units and fractions with
    (re.compile(r"\{([,.])\}"), r"\1"),
    (re.compile(r"\\([$%#&_])"), r"\1"),
    (re.compile(r"\\[!;:] ?|\\left(?![a-z])|\\right(?![a-z])|\\[bB]igg?[lr]?(?![a-z])"), ""),
    (re.compile(r"\\,|\\ |\\thinspace(?![a-z])"), NBSP),
    (re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it)|mbox|operatorname|boldsymbol)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"(?<=\d)\s*\\[dt]?frac\s*\{(\d+)\}\s*\{(\d+)\}"), r" \1/\2"),
    (re.compile(r"\\[dt]?frac\s*\{(-?\d+)\}\s*\{(\d+)\}"), r"\1/\2"),
    (re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)"), r"\1/\2"),
    (re.compile(r"\s*\^\s*\{?\s*\\circ\s*\}?|\\degree(?![a-z])|\\quad(?![a-z])|\\qquad(?![a-z])"), " "),
    (re.compile(r"\\(?:times|cdot)(?![a-z])"), "×"),
    (re.compile(r"\\(?:approx|simeq)(?![a-z])"), "≈"),
    (re.compile(r"\\[()\[\]]"), " "),
    (re.compile(r"\\boxed\s+\{"), r"\\boxed{"),
    (re.compile(r"  +"), " "),
]
_STRUCK_OUT = re.compile(r"~~[^~\n]*~~")


def plain_text(text: str) -> str:
    """The text in plain writing: ASCII digits, one kind of minus, apostrophe and colon, small letters, simple LaTeX."""
    return plain_marks(text).lower()


def plain_marks(text: str) -> str:
    """The same with letters as they are; equally long as `plain_text` of the same text."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        text = _WIDE_COMMA.sub(",", text)
        text = _REPLACEABLE.sub(_replacement, text)
    if "~~" in text:
        text = _STRUCK_OUT.sub(" ", text)
    if "\\" in text or "{" in text:
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
    return text


def ascii_digits(text: str) -> str:
    """The text with every Unicode decimal digit (and the full-width point) in ASCII; its length stays."""
    if text.isascii():
        return text
    return _REPLACEABLE.sub(lambda match: _DIGITS.get(match[0]) or ("." if match[0] == "．" else match[0]), text)


def _replacement(match: re.Match[str]) -> str:
    return _REPLACED.get(match[0], match[0])
