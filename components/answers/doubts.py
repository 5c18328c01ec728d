"""What a text says against an answer that stands in it: that it is none, that another would do, that it only counts.

The words are data, one file a language. The English ones count in every language too, but for those that join two
answers (`and`, `to`): they are words of other meanings elsewhere.
"""

import re
from collections.abc import Sequence
from functools import cache

from components.answers.plain import NBSP, plain_text
from components.lang.table import Language, language

_AFTER = 24  # characters behind an answer in which a language denies it, past its unit
_UNSPACED = re.compile("[฀-๿\u1000-\u109f\u1780-\u17ff぀-ヿ㐀-鿿]")
_RANGE = re.compile(r"\s?[-~～〜]\s?")
_CLAUSE_END = re.compile(r"[,，、;；.。!?！？।\n]")
_NOTHING = frozenset(("", " ", "$", "(", ":"))
_NAMED = re.compile(r"(?<![^\W\d_])[a-z]\s*=\s*$")  # `17 or x = 19`
_NEW_THOUGHT = re.compile(r"[\n:]|\([^\W\d_]")  # no longer between two answers: (rounded to 2 decimals)
_COMPARED = re.compile(r"(?:[<≤≥≠]|(?<!\S)>)\s*[$€£¥]?$")  # a > without a space before it ends an HTML tag
_LIST_MARK = re.compile(r"[.)]\s+\S")
_LIST = re.compile(r"\s?[,;、，；&]\s?")
_SET_OFF = f" *$€£¥'\"_{NBSP}()-"
_REFERENCE_REACH = 24


def is_unspaced(text: str) -> bool:
    """Whether the text is in a script that sets no spaces between words."""
    return _UNSPACED.search(text) is not None


def num_unspaced(text: str) -> int:
    """How many letters of such scripts there are."""
    return len(_UNSPACED.findall(text))


def is_denied(before: str, row: Language, behind: str = "") -> bool:
    """Whether what stands before an answer, and behind it up to the next, says that it is not the answer.

    Args:
        before, behind: As returned by `plain_text`.
        row: The language's words.
    """
    behind = _clause(behind)
    if len(behind) > 1 and any(word in behind and _follows(word, behind) for word in _words(row.code, "not_after")):
        return True
    if len(before) < 2 and before in _NOTHING:
        return False
    return _COMPARED.search(before) is not None or any(
        word in before and _denial(word).search(before) for word in _words(row.code, "not_before")
    )


def without_denials(between: str, row: Language) -> str:
    """The text without words that deny what follows."""
    for word in _words(row.code, "not_before"):
        if word in between:
            between = _word(word).sub(" ", between)
    return between


def is_range(between: str) -> bool:
    """Whether a dash between two numbers, and nothing else, makes a range of them."""
    return _RANGE.fullmatch(between) is not None


def is_either(between: str, row: Language) -> bool:
    """Whether what stands between two answers offers the one or the other, both, or all from the one to the other."""
    if _NEW_THOUGHT.search(between):
        return False
    between = _NAMED.sub("", between)
    words = between.strip(f"{_SET_OFF},")
    if _ends(words, _words(row.code, "or_words")):
        return True
    bare = between.strip(_SET_OFF)
    joined = tuple(map(plain_text, (*row.and_words, *row.range_joints)))
    return not bare.startswith(",") and _ends(bare, joined)


def is_list(between: str, behind: str) -> bool:
    """Whether two answers are items of a list that ends with the second: `17, 19`."""
    return _LIST.fullmatch(between) is not None and not re.search(r"[^\s.!。)\]}*$]", behind[:_AFTER])


def opens_range(before: str, row: Language) -> bool:
    """Whether what stands before a number says that it is only where a range begins (`between 17 and 19`)."""
    return any(word in before and _denial(word).search(before) for word in _words(row.code, "range_words"))


def speaks_of_a_range(text: str, row: Language) -> bool:
    """Whether a range may begin somewhere in the text."""
    return any(word in text for word in _words(row.code, "range_words"))


def is_reference(before: str, behind: str, row: Language) -> bool:
    """Whether a number only says which step, page or table is meant."""
    if _is_list_item(before, behind):
        return True
    if behind.lstrip(" ").startswith(_words(row.code, "reference_after")):
        return True
    before = before[-_REFERENCE_REACH:].rstrip(f" *#({NBSP}")
    words = _words(row.code, "reference_words")
    return before.endswith(words) and any(
        before.endswith(word) and _word(word).search(before, len(before) - len(word)) for word in words
    )


def _is_list_item(before: str, behind: str) -> bool:
    """Whether a number begins a line as `3. ` does, in a text of several lines."""
    begins = before.endswith("\n") or (not before.strip(" *#\n") and "\n" in behind)
    return begins and _LIST_MARK.match(behind) is not None


def _follows(word: str, behind: str) -> bool:
    """Whether the word comes with at most one other (a unit, a particle) before it, in scripts that separate words."""
    at = behind.find(word)
    num_words = len(behind[: max(at, 0)].split()) - (not behind[:1].isspace())  # 18은: a particle is no word
    return at >= 0 and (is_unspaced(word) or num_words <= 1)


def _clause(behind: str) -> str:
    """What follows an answer up to the first mark that ends a clause, the mark included."""
    end = _CLAUSE_END.search(behind, 0, _AFTER)
    return behind[: end.end()] if end else behind[:_AFTER]


@cache
def _words(code: str, key: str) -> tuple[str, ...]:
    """The language's words and the English ones under a key of the table, as `plain_text` writes them."""
    words: Sequence[str] = (*getattr(language(code), key), *getattr(language("en"), key))
    return tuple(dict.fromkeys(map(plain_text, words)))


@cache
def _word(word: str) -> re.Pattern[str]:
    """The word as no part of a longer one, in scripts that separate words."""
    letter = r"[^\W\d_]"
    before, after = (f"(?<!{letter})", f"(?!{letter})") if not is_unspaced(word) else ("", "")
    return re.compile(f"{before}{re.escape(word)}{after}")


@cache
def _denial(word: str) -> re.Pattern[str]:
    """The word with no comma, no digit and at most two words behind it."""
    return re.compile(rf"{_word(word).pattern}(?:\s*[^\s,;:\d]+){{0,2}}\s*$")


def _ends(text: str, words: Sequence[str]) -> bool:
    return any(
        text == word or text.endswith(word if is_unspaced(word) else f" {word}") for word in words if word in text
    )
