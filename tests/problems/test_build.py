"""The built splits: sizes, order, balance, disjointness, determinism, and errors that a user can mend."""

import os
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from components.contracts import PipelineError
from components.params import BaseParams, ProblemsParams, SourceParams, SourcesParams, load_params
from components.problems import build_questions
from components.problems.build import SPLITS, draw_problems
from components.problems.families import load_families

ROOT = Path(__file__).parents[2]
FIRST_DRAWS = [(17, 3), (8, 7), (8, 4), (5, 3)]
LANGUAGES = ["en", "es", "fr", "de", "ru", "zh", "ja", "th", "sw", "bn", "te"]
COUNTS = {
    "num_shots": 2, "num_pivot_shots": 20, "num_train": 60, "num_calibration": 16, "num_validation": 16, "num_test": 42,
}  # fmt: skip
SOURCES = SourcesParams(**dict.fromkeys(SPLITS, "built-in"))
SIZES = {"sources": SOURCES, "translator": "none", "native_digits": False, "max_steps": 4, **COUNTS}


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
    parallel = [q for q in questions if q.split != "pivot_shots"]
    assert [q.lang for q in parallel] == LANGUAGES * (len(parallel) // len(LANGUAGES))
    splits = [SPLITS.index(question.split) for question in questions]
    assert splits == sorted(splits)
    ids = [q.problem_id for q in parallel]
    assert all(len(set(ids[i : i + 11])) == 1 for i in range(0, len(ids), 11))


def test_shots_of_the_pivot_are_english(questions):
    assert {q.lang for q in questions if q.split == "pivot_shots"} == {"en"}


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
    assert unseen == {"test": 10 * len(LANGUAGES)}
    assert {q.family for q in questions if q.unseen_family}.isdisjoint(q.family for q in questions if q.split != "test")


@pytest.mark.parametrize("num_shots", range(1, 9))
def test_shots_are_distinct_families_in_the_order_of_their_files(num_shots):
    ranked = ["add-then-remove", "change-subtract", "equal-groups", "change-add", "share-equally"]
    others = ["ages", "boxes-then-share", "distance"]
    shots = [q.family for q in build(languages=["en", "es"], num_shots=num_shots) if q.split == "shots"]
    assert shots[::2] == (ranked + others)[:num_shots]


def test_default_shots_show_three_operations_and_two_steps():
    shots = [q for q in build(num_shots=4) if q.split == "shots"]
    assert all(any(sign in q.solution for q in shots) for sign in "+-×")
    assert {q.num_steps for q in shots} == {1, 2}


@pytest.mark.parametrize("max_steps", [1, 2, 3])
def test_families_with_more_steps_are_left_out(max_steps):
    asked = build(max_steps=max_steps)
    assert {q.num_steps for q in asked} == set(range(1, max_steps + 1))
    assert {q.split for q in asked if q.unseen_family} == {"test"}


def test_four_shots_of_one_step_show_all_operations():
    shots = [q for q in build(num_shots=4, max_steps=1) if q.split == "shots" and q.lang == "en"]
    assert [next(sign for sign in "+-×÷" if f" {sign} " in q.solution) for q in shots] == ["-", "×", "+", "÷"]


def test_shots_show_both_kinds_and_solutions_stay_where_they_are_used(questions):
    assert {question.num_steps for question in questions if question.split == "shots"} == {1, 2}
    assert {q.split for q in questions if q.solution is not None} == {"shots", "pivot_shots", "calibration"}


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


def test_two_thousand_problems_in_every_language():
    params = load_params()
    sizes = {key: value for key, value in params.problems.model_dump().items() if key.startswith("num_")}
    questions = build(**sizes | {"num_train": 2000 - sum(sizes.values()) + sizes["num_train"]})
    assert len({q.problem_id for q in questions}) == 2000


PRINT_DIGEST = """
import hashlib
from tests.problems.test_build import build
print(hashlib.sha256("".join(f"{q.model_dump_json()}\\n" for q in build()).encode()).hexdigest())
"""


@pytest.mark.slow
def test_same_bytes_whatever_the_process():
    def digest(**environment):
        command = [sys.executable, "-c", PRINT_DIGEST]
        return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, check=True).stdout

    assert digest(PYTHONHASHSEED="1", LC_ALL="C.UTF-8") == digest(PYTHONHASHSEED="2", LC_ALL="C", TZ="Asia/Tokyo")


def test_the_order_of_draws_is_that_of_every_machine():
    (family,) = (family for family in load_families() if family.name == "change-add")
    draws = [problem.numbers for problem in islice(draw_problems(family, 17), 4)]
    assert [(int(numbers["a"]), int(numbers["b"])) for numbers in draws] == FIRST_DRAWS


def test_splits_from_elsewhere_are_left_out():
    own = SourceParams(format="gsm8k", path="gsm8k/train.jsonl")
    questions = build(languages=["en", "es"], sources=SOURCES.model_copy(update={"train": own}))
    assert {q.split for q in questions} == set(SPLITS) - {"train"}


def test_too_many_problems_name_the_key_and_a_family():
    with pytest.raises(PipelineError, match=r"`problems\.num_train` .*\w+.*\.yaml") as caught:
        build(num_train=9000)
    assert "\n" not in str(caught.value)


def test_unknown_language_names_its_file():
    with pytest.raises(PipelineError, match=r"language `xx` is not known; add .*languages/xx\.yaml"):
        build(languages=["en", "es", "xx"])
