"""The attack `mixed_scripts`: more than half of a text's letters are of another script.

Latin and Cyrillic words turn into look-alikes in the other script, a letter for a letter (where no letter looks alike,
one that sounds alike). Words of other scripts make room for words of the same response in another script, as in
code-switching.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from random import Random

from components.attacks.anatomy import LETTER_RUNS, Anatomy
from components.attacks.records import CannotBuildError, Honest
from components.lang.scripts import LETTERS_PER_CHARACTER
from components.lang.table import Script, language

_SPACES = re.compile("  +")
_MOST_OWN = 0.4  # of the letters that may stay: clearly less than half
_AS_CYRILLIC = dict(zip("abcdefghijklmnopqrstuvwxyzßđøæłı", "аьсԁеғԍһіјкӏмпорԛгѕтцѵԝхузвђөӕӏі", strict=True))
_AS_LATIN = dict(zip("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "abvrdeëjzuyklmhonpctyfxcqwwbybeua", strict=True))
_LOOKALIKES: dict[Script, dict[str, str]] = {"Latin": _AS_CYRILLIC, "Cyrillic": _AS_LATIN}
_WEIGHTS: dict[Script, int] = {
    "Han": LETTERS_PER_CHARACTER["Hani"],
    "Kana": LETTERS_PER_CHARACTER["Kana"],
    "Hangul": LETTERS_PER_CHARACTER["Hang"],
}  # Latin letters that one character stands for
_CHINESE_CHARACTERS = ("Han", "Kana")


def mixed_scripts(anatomy: Anatomy, others: Sequence[Honest], rng: Random) -> str:
    """Words drawn at random are replaced until at most 40 % of the letters are the language's own."""
    script = anatomy.row.script
    if script in _LOOKALIKES:
        return _mix(anatomy, lambda word: _look_alike(word, _LOOKALIKES[script]), 1, rng)
    foreign, weight = _foreign_words(anatomy, others, rng)
    return _SPACES.sub(" ", _mix(anatomy, lambda _: f" {next(foreign)} ", weight, rng)).strip(" ")


def _mix(anatomy: Anatomy, replace: Callable[[str], str], foreign_weight: int, rng: Random) -> str:
    text, own_weight = anatomy.honest.text, _WEIGHTS.get(anatomy.row.script, 1)
    runs = [*LETTER_RUNS.finditer(text)]
    if not runs:
        raise CannotBuildError("no words")
    own, foreign = own_weight * sum(len(run[0]) for run in runs), 0
    replaced: dict[int, str] = {}
    for run in rng.sample(runs, len(runs)):
        if own <= _MOST_OWN * (own + foreign):
            break
        replaced[run.start()] = replace(run[0])
        own -= own_weight * len(run[0])
        foreign += foreign_weight * len(replaced[run.start()].strip())
    return LETTER_RUNS.sub(lambda run: replaced.get(run.start(), run[0]), text)


def _look_alike(word: str, letters: dict[str, str]) -> str:
    return "".join(_one_look_alike(character, letters) for character in unicodedata.normalize("NFC", word))


def _one_look_alike(character: str, letters: dict[str, str]) -> str:
    """Without its accents where the other script has no such letter; empty for an accent alone."""
    small = character.lower()
    base = "".join(part for part in unicodedata.normalize("NFD", small) if not unicodedata.combining(part))
    other = letters.get(small) or "".join(letters.get(part, part) for part in base)
    return other.upper() if character.isupper() else other


def _foreign_words(anatomy: Anatomy, others: Sequence[Honest], rng: Random) -> tuple[Iterator[str], int]:
    """Words without end of an honest response to the problem in another script, and their weight."""
    own = anatomy.row.script
    same = [row for row in others if row.problem_id == anatomy.honest.problem_id]
    found = [(row.lang, row.text) for row in same if not _share_letters(own, language(row.lang).script)]
    spoken = sorted({row for row in found if LETTER_RUNS.search(row[1])})
    if not spoken:
        raise CannotBuildError("no honest response to the problem in another script")
    code, text = rng.choice(spoken)
    return cycle(LETTER_RUNS.findall(text)), _WEIGHTS.get(language(code).script, 1)


def _share_letters(script: Script, other: Script) -> bool:
    return script == other or (script in _CHINESE_CHARACTERS and other in _CHINESE_CHARACTERS)
