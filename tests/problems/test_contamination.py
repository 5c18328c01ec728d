"""Overlap between splits: found whatever the writing, and told with rows; never where a number differs."""

import time
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.contracts import PipelineError, Question
from components.journal import Journal
from components.params import BaseParams, SourceParams, SourcesParams, load_params
from components.problems.assemble import assemble
from components.problems.build import SPLITS, build_questions
from components.problems.contamination import check_contamination, normalised

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LONG = "On Monday a farmer drives 12 crates of red apples to the old market hall and sells half of them"


def asked(text, split="train", row=0, lang="en", source="mine.csv", choices=()):
    return Question(
        problem_id=f"{split}-{row}", lang=lang, split=split, family="f", unseen_family=False, question=text,
        choices=choices, answer=None, source=source, source_row=None if source == "built-in" else row,
    )  # fmt: skip


def refused(*questions):
    with pytest.raises(PipelineError) as caught:
        check_contamination(questions)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_same_text_is_found_in_other_writing():
    one, other = asked("How many apples, 1,234 or 5?"), asked("  HOW many apples — 1234 or 5", "validation", 7)
    message = refused(one, other)
    assert message.startswith("`problems.sources.train`: rows 0 of mine.csv have the same question as")
    assert "`problems.sources.validation`: rows 7 of mine.csv" in message
    assert "name other data" in message


def test_built_in_questions_are_compared_too():
    twice = [asked("Is 5 odd?", split, source="built-in") for split in ("train", "test")]
    assert "problems train-0 of built-in have the same question" in refused(*twice)


@pytest.mark.parametrize(
    "other",
    [
        asked("How many apples, 1234 or 6?", "test"),
        asked("How many apples, 1234 or 5?", "test", lang="es"),
        asked("How many apples, 1234 or 5?", "test", choices=("a", "b")),
        asked("How many apples, 1234 or 5?", "train", 1),
    ],
)
def test_other_numbers_languages_choices_or_the_same_split_are_no_overlap(other):
    check_contamination([asked("How many apples, 1234 or 5?"), other])


def test_thirteen_words_in_a_row_with_test_are_refused():
    words = LONG.split()
    first = asked(LONG, "test", 3)
    assert "13 words in a row" in refused(first, asked("Yesterday " + " ".join(words[4:17]).upper(), row=9))
    check_contamination([first, asked("Yesterday " + " ".join(words[4:16]), row=9)])
    check_contamination([asked(LONG, "validation", 3), asked("Yesterday " + LONG, row=9)])
    built = [asked(LONG, "test", source="built-in"), asked("Yesterday " + LONG, source="built-in")]
    check_contamination(built)


@pytest.mark.parametrize(
    ("lang", "text", "length"),
    [
        ("zh", "星期一农夫开车把十二箱红苹果送到老市场的大厅里并且卖掉了其中的一半苹果", 19),
        (
            "ja",
            "月曜日に農夫は赤いりんごの箱を古い市場の広間まで車で運んでその半分を売りましたそして家に帰りました",
            28,
        ),
        ("th", "วันจันทร์ชาวนาขับรถเอาแอปเปิลสีแดงสิบสองลังไปที่ตลาดเก่าแล้วขายไปครึ่งหนึ่งและกลับบ้านในตอนเย็น", 56),
    ],
)
def test_scripts_without_spaces_by_characters(lang, text, length):
    first = asked(text, "test", lang=lang)
    assert "in a row" in refused(first, asked("x" + text[2 : 2 + length], lang=lang))
    check_contamination([first, asked("x" + text[2 : 1 + length], lang=lang)])


def test_rows_are_told_as_ranges():
    texts = [f"Are {number} eggs enough?" for number in range(6)]
    test = [asked(text, "test", row) for row, text in enumerate(texts)]
    train = [asked(texts[i], row=row) for i, row in enumerate((10, 11, 12, 20, 30, 31))]
    message = refused(*train, *test)
    assert "rows 10–12, 20, 30–31 of mine.csv" in message
    assert "rows 0–5 of mine.csv" in message


WORDS = st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=6)
NUMBERS = st.decimals(0, 9999, places=1).map(str)


@given(WORDS, NUMBERS, NUMBERS)
def test_changing_one_number_makes_the_match_vanish(words, number, other):
    assume(float(number) != float(other))
    text = " ".join(words)
    assert normalised(f"{text} {number} {text}", "en") != normalised(f"{text} {other} {text}", "en")


@given(WORDS, NUMBERS, st.sampled_from(["!", " ...", "?", " – ", "; ", "“", "\u200b", "  "]))
def test_punctuation_case_and_spaces_change_nothing(words, number, mark):
    text = " ".join(words)
    changed = f"{mark.join(words).upper()}{mark} {number} {mark}{text.title()}{mark}"
    assert normalised(changed, "en") == normalised(f"{text} {number} {text}", "en")


def test_native_digits_are_the_same_numbers():
    assert normalised("৩টি আম", "bn") == normalised("3টি আম", "bn")


def test_built_in_splits_of_the_default_size_share_nothing():
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    questions = build_questions(params.problems, params.base)
    before = time.perf_counter()
    check_contamination(questions)
    assert time.perf_counter() - before < 3


@pytest.fixture
def journal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = Journal("problems", "0")
    yield opened
    opened.close()


def published(train, num_train, test_languages=("en",)):
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    sources = SourcesParams(
        **dict.fromkeys(SPLITS, "built-in")
        | {
            "train": SourceParams(format="gsm8k", path=str(DATA / "gsm8k" / train)),
            "test": SourceParams(format="mgsm", path=str(DATA / "mgsm")),
        }
    )
    problems = params.problems.model_copy(update={"sources": sources, "num_train": num_train, "num_test": 250})
    return problems, BaseParams(seed=17, languages=list(test_languages), trained_languages=["en"])


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no published data in {DATA}")
def test_training_on_gsm8ks_test_while_testing_on_mgsm_is_refused(journal):
    with pytest.raises(PipelineError) as caught:
        assemble(*published("test.jsonl", 1319), journal)
    message = str(caught.value)
    assert "\n" not in message
    assert f"`problems.sources.train`: rows 0–249 of {DATA}/gsm8k/test.jsonl have the same question as" in message
    assert f"`problems.sources.test`: rows 0–249 of {DATA}/mgsm;" in message


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no published data in {DATA}")
def test_training_on_all_of_gsm8ks_train_while_testing_on_mgsm_is_fine(journal):
    assembled = assemble(*published("train.jsonl", 7473), journal)
    assert sum(question.split == "train" for question in assembled.questions) == 7473
