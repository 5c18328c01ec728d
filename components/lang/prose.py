"""The words of a text, without mathematics, numbers, code and names."""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from components.lang.scripts import LETTERS

_LATIN = "A-Za-zÀ-ɏ"
_PROSE = re.compile(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}|[^\W\d_\x00-\x7fͰ-Ͽ𝐀-𝟿]")
_SPAN = re.compile(r"\$\$?([^$\n]{1,300})\$\$?|\\\((.{1,1000}?)\\\)|\\\[(.{1,1000}?)\\\]", re.DOTALL)
_SPELT = re.compile(r"\\(?:text[a-z]*|mbox)\s*\{([^{}]{0,1000})\}")
_UNITS = (
    "km/h|kmh|kph|mph|kWh|kW|MW|GHz|MHz|kHz|Hz|GB|MB|TB|km|cm|mm|dm|kg|mg|ml|mL|cl|dl|ft|lbs?|oz|min|sec|hrs?|usd|"
    "USD|EUR|GBP|CNY|RMB|JPY|INR|км/ч|км|см|мм|кг|мл|мин|руб|коп"
)
# No pattern starts inside a token: each would scan the rest of it again.
_LEFT_OUT = re.compile(
    "|".join(
        [
            r"(?:https?://|www\.)[!-~]+",
            r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[a-z.]{2,20}",
            r"\\(?:begin|end)\s*\{[A-Za-z*]+\}",
            r"\\[A-Za-z]+",
            r"</?[A-Za-z]{1,12}\s*/?>",
            r"```\w*",
            r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]+",
            r"(?<![A-Za-z0-9_])[a-z]+[A-Z][A-Za-z0-9]*(?![A-Za-z])",
            rf"(?<!\d)\d[\d.,٫٬]{{0,20}}[ \u00a0]{{0,3}}(?:{_UNITS})(?![{_LATIN}\u0400-\u052f])",
            rf"(?<![{_LATIN}\d])[{_LATIN}]*\d(?:[\d.,٫٬]{{0,20}}\d)?[{_LATIN}\d]*",
            r"[(（\[]\s*\w\s*[)）\]]",
            r"[𝐀-𝟿]+",
            r"(?<![㐀-鿿])[〇一二三四五六七八九十百千万萬億亿兆点點]+(?![㐀-鿿ぁ-ヺー])",
        ]
    )
)
_TOKEN = re.compile(
    "|".join(f"(?P<{script}>[{letters}]+)" for script, letters in LETTERS.items())
    + r"|(?P<end>[.!?。！？।॥؟۔…\n:;：；]+)|(?P<other>[^\W\d_]+)"
)
_ONE_LETTER_WORDS = ("Hani", "Kana", "Hang", "other")
_CASED = ("Latn", "Cyrl", "Grek", "Armn")
_COLON = re.compile(r"\s{0,3}[:：]")


class Word(NamedTuple):
    """A run of letters of one script: a word, or several where a language sets no spaces between them."""

    script: str
    text: str
    sentence: int
    """Its sentence's number."""


def words(text: str) -> list[Word]:
    """The words of a text, from its start to its end.

    Left out are mathematics, numbers and units, commands, code-like identifiers and addresses, and single letters: they
    name variables and choices.
    """
    joined = unicodedata.normalize("NFC", text).replace("\u200d", "")
    plain = _LEFT_OUT.sub(" ", _SPELT.sub(r" \1 ", _SPAN.sub(_without_formula, joined)))
    found = []
    sentence = 0
    for match in _TOKEN.finditer(plain):
        script, token = match.lastgroup or "other", match.group()
        if script == "end":
            sentence += 1
        elif script == "other" and not token.isalpha():  # ½ or ③
            continue
        elif len(token) > 1 or script in _ONE_LETTER_WORDS:
            found.append(Word(script, token, sentence))
    return found


def names(prompt: str, known: Iterable[str]) -> frozenset[str]:
    """The names in a prompt, case folded: words with a capital that it never writes small and that are no labels.

    Args:
        known: Case-folded words that are no names wherever they stand.
    """
    normal = unicodedata.normalize("NFC", prompt)
    small, large = set(known), set()
    for match in _TOKEN.finditer(normal):
        if match.lastgroup in _CASED and not match.group()[0].isupper():
            small.add(match.group())
        elif match.lastgroup in _CASED and not _COLON.match(normal, match.end()):
            large.add(match.group().casefold())
    return frozenset(large - small)


def _without_formula(span: re.Match[str]) -> str:
    """Text within a formula stays. Dollars also stand for money: then there is prose between two of them."""
    inner = next(group for group in span.groups() if group is not None)
    formula_and_text = _SPELT.split(inner)  # in turns
    if _PROSE.search(" ".join(formula_and_text[::2])):
        return f" {inner} "
    return " ".join(["", *(part if index % 2 else "0" for index, part in enumerate(formula_and_text)), ""])
