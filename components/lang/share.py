"""How much of a text is in a language: by script where a script decides, by statistics within the others."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from components.lang.likelihood import UNKNOWN, common_words, is_statistical, label_words
from components.lang.prose import Word, names, words
from components.lang.scripts import LETTERS_PER_CHARACTER, Target, han_language, language_of, target
from components.lang.thoughts import split_thought

_FEW_WORDS = 3  # of one or two words, one in twenty passes for another language
_CAPITAL_NOUNS = ("de", "lb")  # where a noun looks like a name


@dataclass(frozen=True, slots=True)
class LanguageShares:
    """How a text's words are shared among languages, by letters; a Chinese character counts as three, kana as two."""

    share: float
    """In the language asked for, 0 to 1; 0 where there are no words."""
    language: str | None
    """The one with the largest share, as BCP-47 code, and as asked for where it is that one; None where unknown."""
    other: str | None
    """The one with the largest share besides the language asked for; None where there is none known."""
    other_share: float
    """Its share, 0 to 1."""
    too_short: bool
    """There are no words, or the letters do not settle the language and there are too few words for statistics."""


_NO_WORDS = LanguageShares(share=0.0, language=None, other=None, other_share=0.0, too_short=True)


def language_shares(text: str, lang: str, prompt: str = "") -> LanguageShares:
    """Shares by language of a text's words. Never raises; the same on every call and in every thread.

    Left out are mathematics, numbers, units, code-like identifiers, single letters and the prompt's names.

    Args:
        text: The text as it is, thought included.
        lang: The language asked for, any BCP-47 tag. Nothing is in a language that is not known.
        prompt: What the text answers.

    Returns:
        Shares that add up to at most 1: text in no known language is in none of them.
    """
    asked = target(lang)
    kept = _without_names(words(text), prompt, asked)
    labels = _labels(kept, asked)
    letters: defaultdict[str, int] = defaultdict(int)
    for word, label in zip(kept, labels, strict=True):
        letters[label] += _num_letters([word])
    total = _num_letters(kept)
    if sum(len(word.text) for word in kept) < 2:  # a choice's letter
        return _NO_WORDS
    others = sorted((-count, label) for label, count in letters.items() if label not in (lang, UNKNOWN))
    return LanguageShares(
        share=letters[lang] / total if asked.script else 0.0,
        language=min(letters, key=lambda label: (-letters[label], label != lang, label)) or None,
        other=others[0][1] if others else None,
        other_share=-others[0][0] / total if others else 0.0,
        too_short=_is_guess(kept, asked),
    )


def response_shares(text: str, lang: str, prompt: str = "") -> tuple[LanguageShares | None, LanguageShares]:
    """Shares of a response's thought, None where there is none, and of its answer.

    Where no answer follows the thought, or it is not closed, the answer is the whole text. See `language_shares`.
    """
    thought, answer = split_thought(text)
    of_thought = None if thought is None else language_shares(thought, lang, prompt)
    return of_thought, language_shares(answer or text, lang, prompt)


def _labels(kept: Sequence[Word], asked: Target) -> list[str]:
    """The language of each word; the one asked for as it was asked for."""
    labels = [UNKNOWN] * len(kept)
    by_script: defaultdict[str, list[int]] = defaultdict(list)
    for index, word in enumerate(kept):
        by_script["Hani" if word.script == "Kana" else word.script].append(index)
    for script, indices in by_script.items():
        those = [kept[index] for index in indices]
        if script == "Hani":
            found = _han_labels(those, asked)
        elif is_statistical(script):
            found = _statistical_labels(those, script, asked)
        else:
            found = [asked.tag if asked.script == script else language_of(script) or UNKNOWN] * len(those)
        for index, label in zip(indices, found, strict=True):
            labels[index] = label
    return labels


def _statistical_labels(those: Sequence[Word], script: str, asked: Target) -> list[str]:
    starts = [True] + [before.sentence != word.sentence for before, word in pairwise(those)]
    return label_words([word.text for word in those], starts, script, asked)


def _han_labels(those: Sequence[Word], asked: Target) -> list[str]:
    """Sentence by sentence: Japanese has kana."""
    sentences = [list(group) for _, group in groupby(those, key=lambda word: word.sentence)]
    around = han_language(_joined(those, "Hani"), _joined(those, "Kana"), None)
    by_language = {"zh": "Hani", "ja": "Kana"}
    labels = []
    for sentence in sentences:
        code = han_language(_joined(sentence, "Hani"), _joined(sentence, "Kana"), around)
        labels += [asked.tag if asked.script == by_language[code] else code] * len(sentence)
    return labels


def _joined(those: Sequence[Word], script: str) -> str:
    return "".join(word.text for word in those if word.script == script)


def _without_names(those: list[Word], prompt: str, asked: Target) -> list[Word]:
    if not prompt:
        return those
    small = {word.text for word in those}
    known = names(prompt, common_words().get(asked.code, frozenset()) | common_words()["en"])
    kept = [
        word
        for word in those
        if not (word.text[0].isupper() and word.text.casefold() in known and word.text.lower() not in small)
    ]
    return kept or (those if asked.code in _CAPITAL_NOUNS else [])


def _is_guess(kept: Sequence[Word], asked: Target) -> bool:
    """Whether statistics of a few words decide on most of the letters. Letters of another script are certain."""
    judged = [word for word in kept if word.script == asked.script and is_statistical(word.script)]
    return len(judged) < _FEW_WORDS and 2 * _num_letters(judged) > _num_letters(kept)


def _num_letters(those: Iterable[Word]) -> int:
    return sum(len(word.text) * LETTERS_PER_CHARACTER.get(word.script, 1) for word in those)
