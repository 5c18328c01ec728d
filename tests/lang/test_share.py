"""Language shares: golden rows in every language, published sentences, mixed texts, garbage, threads and time."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.lang import languages
from components.lang.likelihood import common_words
from components.lang.share import LanguageShares, language_shares, response_shares
from components.problems.build import ask, draw_problems
from components.problems.families import load_families, written_languages
from tests.processes import cpu_seconds

ROWS = json.loads(Path(__file__).with_name("languages.json").read_text(encoding="utf-8"))
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
NTREX = {
    "bn": "ref.ben", "de": "ref.deu", "en": "src.eng", "es": "ref.spa", "fr": "ref.fra", "ja": "ref.jpn",
    "ru": "ref.rus", "sw": "ref.swa", "te": "ref.tel", "th": "ref.tha", "zh": "ref.zho-CN",
}  # fmt: skip
XCOPA = ["id", "it", "sw", "th", "tr", "vi", "zh"]
PROBLEMS = [problem for family in load_families() for problem in islice(draw_problems(family, 17), 3)]
WRITTEN = written_languages(load_families())
NO_WORDS = LanguageShares(share=0.0, language=None, other=None, other_share=0.0, too_short=True)


def row_name(row):
    return f"{row['lang']}: {row['why']}: {row['text'][:30]}"


@pytest.mark.parametrize("row", ROWS, ids=row_name)
def test_golden_row(row):
    shares = language_shares(row["text"], row["lang"], row.get("prompt", ""))
    assert row["low"] <= shares.share <= row["high"]
    assert (shares == NO_WORDS) == (row["why"] == "no words" or row["why"].startswith("a name alone"))
    assert shares.share + shares.other_share <= 1 + 1e-9


def test_golden_rows_are_of_every_language():
    assert languages().keys() <= {row["lang"] for row in ROWS}
    assert len(ROWS) >= 150


@pytest.mark.parametrize("row", [row for row in ROWS if row["why"].startswith(("romanised", "pinyin"))], ids=row_name)
def test_romanised_text_is_in_no_language(row):
    """A guess would be worse than none."""
    shares = language_shares(row["text"], row["lang"])
    assert (shares.language, shares.other) == (None, None)


@cache
def solutions(lang):
    """Three worked solutions of every family."""
    return [ask(problem, "shots", lang).solution for problem in PROBLEMS]


@pytest.mark.parametrize("lang", WRITTEN)
def test_worked_solutions_are_in_their_language(lang):
    shares = [language_shares(text, lang) for text in solutions(lang)]
    assert all(share.share >= 0.8 and share.language == lang and not share.too_short for share in shares)


@pytest.mark.parametrize("lang", WRITTEN)
def test_worked_solutions_are_in_no_other_language(lang):
    shares = [language_shares(text, other).share for other in languages() if other != lang for text in solutions(lang)]
    assert max(shares) < 0.5


def sentences(lang, count):
    """Sentences of NTREX-128 and XCOPA, some of each, the same every time."""
    found = []
    if lang in NTREX:
        path = DATA / "ntrex-128" / f"newstest2019-{NTREX[lang]}.txt"
        found += path.read_text(encoding="utf-8").splitlines()[-count:]
    if lang in XCOPA:
        lines = (DATA / "xcopa" / "data" / lang / f"val.{lang}.jsonl").read_text(encoding="utf-8").splitlines()
        found += [json.loads(line)["premise"] for line in lines[-count:]]
    return found


published = pytest.mark.skipif(not DATA.is_dir(), reason=f"no published data in {DATA}")


@pytest.mark.slow
@published
@pytest.mark.parametrize("lang", sorted({*NTREX, *XCOPA}))
def test_published_sentences(lang):
    """At least 98 % are in their language, at most 1 % in each other one; names and quotations stay in them."""
    texts = sentences(lang, 60)
    own = [language_shares(text, lang).share >= 0.5 for text in texts]
    assert sum(own) >= 0.98 * len(own)
    for other in languages().keys() - {lang}:
        false = sum(language_shares(text, other).share >= 0.5 for text in texts)
        assert false <= max(2, 0.01 * len(texts)), other


@published
@pytest.mark.parametrize("lang", ["bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"])
def test_published_answers_are_in_their_language(lang):
    exemplars = json.loads((DATA / "mgsm" / "exemplars.json").read_text(encoding="utf-8"))[lang]
    assert all(language_shares(row["a"], lang, row["q"]).share == 1 for row in exemplars.values())


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("El total es 18. The answer is 18.", "de", ("en", "en")),
        ("La respuesta es dieciocho manzanas. The answer is 18.", "es", ("es", "en")),
        ("答案是18。The answer is 18.", "zh", ("en", "en")),
        ("答案是：一共有十八个苹果。Answer.", "zh-Hans", ("zh-Hans", "en")),
        ("답은 18입니다.", "ja", ("ko", "ko")),
        ("Die Antwort ist 18.", "de", ("de", None)),
    ],
)
def test_largest_language_and_largest_other_one(text, lang, expected):
    shares = language_shares(text, lang)
    assert (shares.language, shares.other) == expected


def test_characters_weigh_as_the_letters_that_say_the_same():
    """Three Latin letters a Chinese character, two a Korean one and a kana: 6 · 3 of 6 · 3 + 18."""
    assert language_shares("答案是十八個 eighteen altogether", "zh").share == pytest.approx(18 / 36)
    assert language_shares("답은열여덟 eighteen altogether", "ko").share == pytest.approx(10 / 28)
    assert language_shares("だからこたえは eighteen altogether", "ja").share == pytest.approx(14 / 32)


@pytest.mark.parametrize(
    ("text", "lang", "too_short"),
    [
        ("Respuesta: 18", "es", True),
        ("La respuesta es 18.", "es", False),
        ("Ответ: 18", "ru", True),
        ("คำตอบ 18", "th", False),
        ("Answer 18", "th", False),  # in no Thai letter, whatever it is in
        ("答え 18", "ja", False),
        ("18", "th", True),
    ],
)
def test_too_short_for_statistics(text, lang, too_short):
    assert language_shares(text, lang).too_short is too_short


def test_thought_and_answer_apart():
    thought, answer = response_shares("<think>First we add the apples.</think>La respuesta es 18.", "es")
    assert (thought.share, thought.language, answer.share) == (0, "en", 1)
    assert response_shares("La respuesta es 18.", "es") == (None, answer)


@pytest.mark.parametrize("text", ["<think>First we add the apples.", "<think>First we add the apples.</think>\n"])
def test_answer_cut_off_has_the_shares_of_the_whole(text):
    thought, answer = response_shares(text, "en")
    assert thought.share == answer.share == 1


def test_names_of_the_prompt_reach_thought_and_answer():
    response = "<think>Jennifer ซื้อแอปเปิล</think>Jennifer มี 18 ลูก"
    thought, answer = response_shares(response, "th", "Jennifer ซื้อแอปเปิล 18 ลูก")
    assert thought.share == answer.share == 1


@given(text=st.text(), lang=st.text(max_size=8) | st.sampled_from(sorted(languages())), prompt=st.text(max_size=40))
def test_any_text_has_shares(text, lang, prompt):
    shares = language_shares(text, lang, prompt)
    assert 0 <= shares.share <= 1
    assert 0 <= shares.other_share <= 1
    assert shares.other is None or shares.other not in ("", lang)
    assert language_shares(text, lang, prompt) == shares


@given(
    text=st.text(alphabet=st.sampled_from("aeñ ßжі漢字かな한ก्हاپ.。$\\{}()_1٥:\n'-") | st.characters(), max_size=200),
    lang=st.sampled_from(["es", "ja", "zh", "ru", "ar", "hi", "th", "sr-Latn", "ne"]),
)
def test_any_mixture_has_shares(text, lang):
    shares = language_shares(text, lang)
    assert 0 <= shares.share + shares.other_share <= 1 + 1e-9


def test_threads_and_order_change_nothing():
    cases = [(row["text"], row["lang"]) for row in ROWS]
    expected = [language_shares(*case) for case in cases]
    shuffled = random.Random(3).sample(range(len(cases)), len(cases))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda index: language_shares(*cases[index]), shuffled * 4))
    assert found == [expected[index] for index in shuffled] * 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    ["la respuesta es dieciocho ", "ответ ", "คำตอบ", "一共有", "a", "1,", "$a ", "\\text{", "( ", "a_", "aA", "x@",
     "[a", "<a", "http://", "a1", "Ab: ", "\n", "\\(a"],
)  # fmt: skip
def test_time_grows_with_length_only(unit):
    """Ten times the text takes less than 15 times the time, or less than is worth measuring."""
    short, long = (unit * (length // len(unit)) for length in (10_000, 100_000))
    took, of_long = (cpu_seconds(partial(language_shares, text, "es", text)) for text in (short, long))
    assert of_long < max(15 * took, 1)


def test_common_words_are_written_as_they_are_looked_up():
    words = [word for common in common_words().values() for word in common]
    assert [word for word in words if word != word.lower()] == []
    assert languages().keys() - common_words().keys() == {"bn", "ja", "ko", "te", "th", "zh"}  # known by their scripts
