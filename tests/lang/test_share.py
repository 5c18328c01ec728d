"""Language shares: right on worked solutions in every language, on mixed text and on text without words."""

from functools import cache
from itertools import islice

import pytest

from components.lang import language_share, languages
from components.lang.share import SCRIPTS
from components.problems.build import ask, draw_problems
from components.problems.families import load_families

LATIN = [code for code, row in languages().items() if row.script == "Latin"]


PROBLEMS = [problem for family in load_families() for problem in islice(draw_problems(family, 17), 3)]


@cache
def solutions(lang: str) -> list[str]:
    """Three worked solutions of every family."""
    return [ask(problem, "shots", lang).solution for problem in PROBLEMS]


@pytest.mark.parametrize("lang", languages())
def test_worked_solutions_are_in_their_language(lang):
    shares = [language_share(text, lang) for text in solutions(lang)]
    assert sum(share >= 0.8 for share in shares) >= 0.95 * len(shares)


@pytest.mark.parametrize("lang", languages())
def test_worked_solutions_are_in_no_other_language(lang):
    shares = [language_share(text, other) for other in languages() if other != lang for text in solutions(lang)]
    assert sum(share < 0.5 for share in shares) >= 0.95 * len(shares)


@pytest.mark.parametrize(
    ("text", "lang", "low", "high"),
    [
        ("Ella tiene 12 + 5 = 17 manzanas. La respuesta es 17.", "es", 1, 1),
        ("Ella tiene 12 + 5 = 17 manzanas. The answer is 17.", "es", 0.4, 0.75),
        ("Ella tiene 12 + 5 = 17 manzanas. The answer is 17.", "en", 0.25, 0.6),
        ("В корзине 12 + 5 = 17 apples altogether. The answer is 17.", "ru", 0, 0.35),
        ("There are 17 apples. Ответ: 17.", "ru", 0, 0.4),
        ("一共有12 + 5 = 17个苹果。答案是17。", "zh", 1, 1),
        ("一共有12 + 5 = 17个苹果。答案是17。", "ja", 0, 0),
        ("りんごは全部で17個です。", "ja", 1, 1),
        ("りんごは全部で17個です。", "zh", 0, 0),
        ("มีแอปเปิล 17 ลูก", "th", 1, 1),
        ("মোট আপেল 17টি।", "te", 0, 0),
    ],
)
def test_share_of_a_text(text, lang, low, high):
    assert low <= language_share(text, lang) <= high


@pytest.mark.parametrize("text", ["", "12 + 5 = 17", "x = 17", r"\frac{1}{2} \times 4", "১২ + ৫ = ১৭", "17。"])
def test_text_without_words_has_no_share(text):
    assert language_share(text, "bn") is None


def test_ignored_words_do_not_count():
    assert language_share("Camille Dubois: Ответ 17", "ru") < 0.5
    assert language_share("Camille Dubois: Ответ 17", "ru", ignore="CAMILLE et Dubois") == 1
    assert language_share("Camille", "ru", ignore="Camille a 3 pommes") is None


def test_decomposed_accents_change_nothing():
    assert language_share("La re\u0301ponse est 17.", "fr") == language_share("La réponse est 17.", "fr") == 1


@pytest.mark.parametrize("lang", LATIN)
def test_same_text_same_share(lang):
    texts = solutions(lang)
    assert [language_share(text, lang) for text in texts] == [language_share(text, lang) for text in texts]


def test_every_language_has_a_known_script():
    assert {row.script for row in languages().values()} == set(SCRIPTS)
