"""Which language each of a text's words is in, among the languages of one script, by lingua and the commonest words.

lingua knows letter sequences inside words and looks at no word boundary, so that it takes `ni` for a part of any word:
lists of the commonest words (`words.yaml`) make up for it. What each word says is added up along the text, and leaving
a language for another costs: the cheapest path (Viterbi) is the answer. Where no language fits, a state without one is.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import cache, lru_cache
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

import numpy as np
import yaml
from lingua import Language, LanguageDetector, LanguageDetectorBuilder
from numpy.typing import NDArray

from components.lang.scripts import Target
from components.lang.table import languages

Scores = NDArray[np.float32]

UNKNOWN = ""
"""Stands for a language that is none of those known."""
_LANGUAGES: dict[str, Callable[[], frozenset[Language]]] = {
    "Latn": Language.all_with_latin_script,
    "Cyrl": Language.all_with_cyrillic_script,
    "Arab": Language.all_with_arabic_script,
    "Deva": Language.all_with_devanagari_script,
}
_ALIKE = [{"id", "ms"}, {"nb", "nn"}, {"hr", "bs", "sr"}]
"""Groups of languages that short texts do not tell apart."""

_NEAR = frozenset({"af", "az", "ca", "tl"})
"""Languages outside the table that are much like one of it, so that sequences of three letters do not tell them."""

_ALPHABETS = {
    language: frozenset(letters)
    for language, letters in {
        "ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
        "be": "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
        "bg": "абвгдежзийклмнопрстуфхцчшщъьюяѝ",
        "mk": "абвгдѓежзѕијклљмнњопрстќуфхцчџшѐѝ",
        "sr": "абвгдђежзијклљмнњопрстћуфхцчџш",
        "kk": "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя",
        "mn": "абвгдеёжзийклмноөпрстуүфхцчшщъыьэюя",
        "ar": "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي",
        "fa": "ءآأؤئابپتثجچحخدذرزژسشصضطظعغفقكکگلمنوهۀيی",
        "ur": "ءآأؤئابپتٹثجچحخدڈذرڑزژسشصضطظعغفقکگلمنںوہھۂۃیےۓ",
    }.items()
}
"""Letters of the languages of two scripts in which far more languages are written than lingua knows."""

_LONG = 40  # letters of a word, enough to tell its language

# All in natural logarithms, set on NTREX-128, XCOPA, program messages and mixtures of their sentences.
_FLOOR = -8.0  # the worst a word can say about a language
_NEVER = -70.0  # lingua's confidence of 0
_COMMON, _UNCOMMON = 2.5, -0.5  # a word that is, or is not, among the commonest of a language with a list
_SURE, _NOT_THE_SURE = math.log(0.95), -3.0  # the best of those compared precisely is beyond doubt; any other then
_MOST_ROUGH = 0.6  # by three letters only: the most that each three say for a language
_NO_ROUGH = -1.0  # where there are no three
_UNKNOWN_WORD = -1.4  # against the likeliest language of the word
_NAME = 0.5  # factor of a capitalised word that does not start a sentence
_ENTER_OTHER, _ENTER_RARE, _ENTER_UNKNOWN = -1.5, -4.0, -5.0  # beginning in a language of the table; another; none
_AMID_SENTENCE, _NEW_SENTENCE = -2.7, -0.5  # changing the language, besides what follows
_CHANGE = 1.5  # factor of the above: a language that no one expects seldom comes in the middle of a text


def label_words(words: Sequence[str], starts: Sequence[bool], script: str, target: Target) -> list[str]:
    """The likeliest language of each word as BCP-47 code, `target.tag` for the one asked for, else `UNKNOWN`.

    Args:
        words: In the order of the text.
        starts: Whether the word is the first of its sentence here.
        script: One that `is_statistical`.
    """
    states = _states(script)
    enter = _entering(script, target)
    wanted = _wanted(states, script, target)
    extra = frozenset() if target.code in languages() else frozenset(wanted)
    change = _CHANGE * enter
    score = enter
    came_from: list[tuple[int, NDArray[np.bool_]]] = []
    for index, (word, starts_sentence) in enumerate(zip(words, starts, strict=True)):
        if index:
            best = int(score.argmax())
            changed = score[best] + change + (_NEW_SENTENCE if starts_sentence else _AMID_SENTENCE)
            changes = changed > score
            came_from.append((best, changes))
            score = np.maximum(changed, score)
        said = _scores(script, extra, word[:_LONG].lower().replace("i\u0307", "i"))
        score = score + (_NAME * said if word[0].isupper() and not starts_sentence else said)
    state = int(score.argmax())
    path = [state]
    for best, changes in reversed(came_from):
        state = best if changes[state] else state
        path.append(state)
    labels = [target.tag if states[state] in wanted else states[state] for state in reversed(path)]
    return _without_islands(labels, starts)


def _without_islands(labels: Sequence[str], starts: Sequence[bool]) -> list[str]:
    """A single word beside several of another language in its sentence is a name or a loan, and counts there."""
    bounds = [index for index, start in enumerate(starts) if start] + [len(labels)]
    found: list[str] = []
    for first, last in pairwise(bounds):
        runs = [(label, len(list(run))) for label, run in groupby(labels[first:last])]
        for before, run, after in zip([("", 0), *runs], runs, [*runs[1:], ("", 0)], strict=False):
            beside = max(before, after, key=itemgetter(1))
            found += [beside[0] if run[1] == 1 < beside[1] else run[0]] * run[1]
    return found


def is_statistical(script: str) -> bool:
    """Whether several known languages are written in a script."""
    return script in _LANGUAGES


@cache
def common_words() -> dict[str, frozenset[str]]:
    """The commonest words by language, in lower case; under `UNKNOWN` some that show a language without a list."""
    lists: dict[str, str] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))
    return {UNKNOWN if code == "unknown" else code: frozenset(words.split()) for code, words in lists.items()}


def _wanted(states: tuple[str, ...], script: str, target: Target) -> set[str]:
    """The states that count for the target; one that lingua does not know has the words that no other has."""
    if target.script != script:
        return set()
    alike = next((group for group in _ALIKE if target.code in group), {target.code})
    return alike.intersection(states) or {UNKNOWN}


@lru_cache(maxsize=256)
def _entering(script: str, target: Target) -> Scores:
    """What it costs to begin with a state, or to change to it."""
    states = _states(script)
    costs = dict.fromkeys(states, _ENTER_RARE) | {UNKNOWN: _ENTER_UNKNOWN}
    costs |= {state: _ENTER_OTHER for state in states if state in languages()}
    costs |= dict.fromkeys(_wanted(states, script, target), 0.0)
    return np.array([costs[state] for state in states], np.float32)


@lru_cache(maxsize=1 << 16)
def _scores(script: str, extra: frozenset[str], word: str) -> Scores:
    """What a word says for each state, 0 for the likeliest by its letters. Shared by callers, so not to be changed."""
    by_letters = _by_letters(script, extra, word)
    likely = np.maximum(by_letters - by_letters.max(), _FLOOR)
    for index in _foreign(script, word):
        likely[index] = _FLOOR
    uncommon, common = _commonness(script)
    frequency = uncommon.copy()
    frequency[common.get(word, [])] = _COMMON
    return np.append(likely, _UNKNOWN_WORD).astype(np.float32) + frequency


def _by_letters(script: str, extra: frozenset[str], word: str) -> NDArray[np.float64]:
    """Logarithms of how likely each of lingua's languages is, up to a constant.

    The table's languages, and `extra`, are compared by sequences of one to five letters, the others with them by three
    only: all models together would take 1 GB and 10 s to load. Those of the other scripts are all compared by all.
    """
    codes = _states(script)[:-1]
    precise = _log_confidences(_precise_detector(script, extra), word)
    best = max(precise.values())
    others = {} if len(precise) == len(codes) or best > _SURE else _rough(script, word, precise.keys())
    return np.array([precise.get(code, best + others.get(code, _NOT_THE_SURE)) for code in codes])


def _rough(script: str, word: str, compared: Collection[str]) -> dict[str, float]:
    """How much likelier the script's languages are than the best of those already compared, by three letters."""
    rough = _log_confidences(_rough_detector(script), word)
    if max(rough.values()) == _NEVER:  # no three letters, or none known
        return dict.fromkeys(rough, _NO_ROUGH)
    best = max(rough[code] for code in compared)
    return {code: min(value - best, _MOST_ROUGH * (len(word) - 2)) for code, value in rough.items()}


def _log_confidences(detector: LanguageDetector, word: str) -> dict[str, float]:
    values = detector.compute_language_confidence_values(word)
    return {_code(value.language): math.log(value.value) if value.value > 0 else _NEVER for value in values}


def _foreign(script: str, word: str) -> list[int]:
    """The states whose alphabets lack a letter of the word."""
    alphabets = [(index, _ALPHABETS[state]) for index, state in enumerate(_states(script)) if state in _ALPHABETS]
    letters = {letter for letter in word if letter.isalpha() and letter != "ـ"} if alphabets else set()
    return [index for index, alphabet in alphabets if not letters <= alphabet]


@cache
def _commonness(script: str) -> tuple[Scores, dict[str, list[int]]]:
    """What a word says that is in no list, and the states in whose lists each word is."""
    states, lists = _states(script), common_words()
    uncommon = np.array([_UNCOMMON if state in lists and state != UNKNOWN else 0.0 for state in states], np.float32)
    common: defaultdict[str, list[int]] = defaultdict(list)
    for index, state in enumerate(states):
        for word in lists.get(state, ()):
            common[word].append(index)
    return uncommon, dict(common)


@cache
def _states(script: str) -> tuple[str, ...]:
    """The codes of lingua's languages, then `UNKNOWN`."""
    return (*sorted(map(_code, _LANGUAGES[script]())), UNKNOWN)


@cache
def _precise_detector(script: str, extra: frozenset[str]) -> LanguageDetector:
    every = sorted(_LANGUAGES[script](), key=_code)
    some = [language for language in every if script != "Latn" or _code(language) in languages().keys() | _NEAR | extra]
    return LanguageDetectorBuilder.from_languages(*some).with_preloaded_language_models().build()


@cache
def _rough_detector(script: str) -> LanguageDetector:
    builder = LanguageDetectorBuilder.from_languages(*_LANGUAGES[script]())
    return builder.with_low_accuracy_mode().with_preloaded_language_models().build()


@cache
def _code(language: Language) -> str:
    return language.iso_code_639_1.name.lower()
