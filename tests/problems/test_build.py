"""The built splits: sizes, order, balance, disjointness, determinism, and errors that a user can mend."""

from collections import Counter

import pytest

from components.contracts import PipelineError
from components.params import BaseParams, ProblemsParams
from components.problems import build_questions
from components.problems.build import SPLITS

LANGUAGES = ["en", "es", "fr", "de", "ru", "zh", "ja", "th", "sw", "bn", "te"]
COUNTS = {"num_shots": 2, "num_train": 60, "num_calibration": 12, "num_validation": 12, "num_test": 20}
SIZES = {"source": "built-in", **COUNTS}


def base(**changes):
    return BaseParams(**{"seed": 17, "languages": LANGUAGES, "trained_languages": ["es"], **changes})


def build(seed=17, languages=LANGUAGES, **sizes):
    return build_questions(ProblemsParams(**{**SIZES, **sizes}), base(seed=seed, languages=languages))


@pytest.fixture(scope="module")
def questions():
    return build()


def test_splits_have_the_sizes_asked_for(questions):
    problems = {(question.split, question.problem_id) for question in questions}
    assert Counter(split for split, _ in problems) == {split: SIZES[f"num_{split}"] for split in SPLITS}


def test_order_is_split_problem_language(questions):
    assert [question.lang for question in questions] == LANGUAGES * (len(questions) // len(LANGUAGES))
    splits = [SPLITS.index(question.split) for question in questions]
    assert splits == sorted(splits)
    ids = [question.problem_id for question in questions]
    assert all(len(set(ids[i : i + 11])) == 1 for i in range(0, len(ids), 11))


def test_no_problem_is_in_two_splits(questions):
    split_of = {}
    for question in questions:
        assert split_of.setdefault(question.problem_id, question.split) == question.split


def test_no_two_problems_ask_the_same(questions):
    english = [question.question.split(" ", 1)[1] for question in questions if question.lang == "en"]
    assert len(set(english)) == len(english)


def test_families_are_balanced(questions):
    for split in SPLITS:
        ids = {(question.family, question.problem_id) for question in questions if question.split == split}
        counts = Counter(family for family, _ in ids)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_unseen_families_take_turns_in_test_and_are_nowhere_else(questions):
    unseen = Counter(question.split for question in questions if question.unseen_family)
    assert unseen == {"test": 6 * len(LANGUAGES)}
    assert {q.family for q in questions if q.unseen_family}.isdisjoint(q.family for q in questions if q.split != "test")


@pytest.mark.parametrize("num_shots", range(1, 8))
def test_shots_are_distinct_families_in_the_order_of_their_files(num_shots):
    ranked = ["add-then-remove", "change-subtract", "equal-groups", "change-add"]
    others = ["groups-then-add", "money-change", "share-equally"]
    shots = [q.family for q in build(languages=["en", "es"], num_shots=num_shots) if q.split == "shots"]
    assert shots[::2] == (ranked + others)[:num_shots]


def test_default_shots_show_three_operations_and_two_steps():
    shots = [q for q in build(num_shots=4) if q.split == "shots"]
    assert all(any(sign in q.solution for q in shots) for sign in "+-×")
    assert {q.num_steps for q in shots} == {1, 2}


def test_shots_show_both_kinds_and_alone_have_solutions(questions):
    assert {question.num_steps for question in questions if question.split == "shots"} == {1, 2}
    assert {question.split for question in questions if question.solution is not None} == {"shots"}


def test_answers_are_the_same_over_languages(questions):
    answers = {}
    for question in questions:
        assert answers.setdefault(question.problem_id, question.answer) == question.answer


def test_same_seed_same_questions(questions):
    assert build() == questions
    assert build(seed=18) != questions


def test_more_training_problems_leave_the_test_problems(questions):
    more = build(num_train=90)
    assert [q for q in more if q.split == "test"] == [q for q in questions if q.split == "test"]


def test_the_shipped_sizes_fit():
    sizes = {"num_shots": 4, "num_train": 192, "num_calibration": 24, "num_validation": 32, "num_test": 64}
    problems = {(q.split, q.problem_id) for q in build(**sizes)}
    assert Counter(f"num_{split}" for split, _ in problems) == sizes


def test_too_many_problems_name_the_key_and_the_family():
    with pytest.raises(PipelineError, match=r"`problems\.num_train` .*equal-groups\.yaml") as caught:
        build(num_train=5000)
    assert "\n" not in str(caught.value)


def test_language_without_templates_names_language_and_file():
    with pytest.raises(PipelineError, match=r"add-then-remove\.yaml: no text in language `xx`"):
        build(languages=["en", "es", "xx"])
