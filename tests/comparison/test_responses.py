"""Labels, columns and honest responses of made-up samples."""

from functools import cache

import pytest

from components.comparison.compare import MEASURED, Settings, compare_rewards
from components.comparison.fit import FitSettings
from components.comparison.honest import honest_responses
from components.comparison.measure import Bootstrap, baseline, measure_rewards
from components.comparison.responses import Sampled, columns_and_labels, pick, scored_responses
from components.comparison.scored import column
from components.contracts import PipelineError, Question, Reference
from components.reward.setup import RewardSetup
from tests.comparison.made_up import scored_rows
from tests.reward.made_up import bank


def question(number, answer, lang="es", solution=None, choices=()):
    return Question(
        problem_id=f"p{number}", lang=lang, split="calibration", family="f", unseen_family=False, solution=solution,
        question=f"¿{number}?", choices=choices, answer=answer,
    )  # fmt: skip


def reference(number, answer, label=None, kept=True):
    return Reference(
        problem_id=f"p{number}", split="calibration", answer=answer, text=f"It is so. The answer is {answer}.",
        thought=None, agreement=1, num_samples=1, label=label, label_agreement=None, kept=kept, reason=None,
        gold_correct=None, num_tokens=1, pivot="p", self_pivot=True,
    )  # fmt: skip


def sampled(number, text, lang="es", sample=0):
    return Sampled(problem_id=f"p{number}", lang=lang, sample=sample, text=text, truncated=False)


ASKED = [
    (question(0, "12", solution="5 y 7 son 12. La respuesta es 12."), reference(0, "12", "12")),
    (question(1, "7", solution="La respuesta es 7."), reference(1, "8", "7")),  # half A errs
    (question(2, "9"), reference(2, "9", "3")),  # half B errs
    (question(3, None), reference(3, "5", None)),
    (question(4, "B", choices=("x", "y")), reference(4, "A", "B")),
]
SAMPLES = [
    sampled(0, "La respuesta es 12."), sampled(0, "La respuesta es 13."), sampled(1, "La respuesta es 7."),
    sampled(1, "La respuesta es 8."), sampled(2, "La respuesta es 9."), sampled(2, "La respuesta es 3."),
    sampled(3, "La respuesta es 5."), sampled(4, "La respuesta es B."), sampled(0, "No sé."),
    sampled(4, "La respuesta es A."),
]  # fmt: skip


def test_labels_follow_half_b_and_gold_and_rewards_half_a():
    columns, labels = columns_and_labels(ASKED, SAMPLES)
    assert labels == {
        "half B vote": [True, False, True, False, False, True, None, True, False, False],
        "gold": [True, False, True, False, True, False, None, True, False, False],
    }
    assert columns["reference_answer"] == ["12", "12", "8", "8", "9", "9", "5", "A", "12", "A"]
    assert columns["completions"] == [row.text for row in SAMPLES]
    assert columns["choices"][7] == ("x", "y")
    assert columns["question"][0] == "¿0?"


def test_what_rewards_are_given_says_nothing_of_half_b_or_gold():
    """Other votes of half B, other gold: the same columns, to the last value."""
    others = [
        (q.model_copy(update={"answer": "1"}), r.model_copy(update={"label": "1", "label_agreement": 0.3}))
        for q, r in ASKED
    ]
    columns, labels = columns_and_labels(others, SAMPLES)
    assert columns == columns_and_labels(ASKED, SAMPLES)[0]
    assert labels != columns_and_labels(ASKED, SAMPLES)[1]


def test_questions_are_those_of_the_first_problems_with_a_kept_reference():
    questions = [question(n, "1", lang) for n in range(4) for lang in ("es", "de")]
    references = {f"p{n}": reference(n, "1", kept=n != 1) for n in range(4)}
    picked = pick(questions, references, 2, "calibration")
    assert [(q.problem_id, q.lang) for q, _ in picked] == [(p, lang) for p in ("p0", "p2") for lang in ("es", "de")]


def test_without_any_kept_reference_there_is_nothing_to_compare():
    with pytest.raises(PipelineError, match=r"references\.jsonl: no calibration problem has a kept reference; lower"):
        pick([question(0, "1")], {"p0": reference(0, "1", kept=False)}, 4, "calibration")


@cache
def compared():
    columns, labels = columns_and_labels(ASKED, SAMPLES)
    settings = Settings(fit=FitSettings(num_folds=3), bootstrap=Bootstrap(num_resamples=20))
    problems = [row.problem_id for row in SAMPLES]
    return compare_rewards(columns, problems, labels, "half B vote", RewardSetup(), bank(), settings), labels


@pytest.mark.slow
def test_terms_are_of_half_a_and_every_reward_is_measured_and_priced():
    found, labels = compared()
    assert [row.terms["answer"] for row in found.rows] == [1, 0, 0, 1, 1, 0, 1, 0, 0, 1]
    rewards = found.metrics["labels"]["gold"]["rewards"]
    assert set(rewards) == {*MEASURED, "hybrid", "hybrid_hidden", "calibrated", "calibrated_hidden"}
    assert set(rewards) == set(found.metrics["cost_s_per_1000"])
    assert rewards["answer"]["pooled"]["n"] == 9
    rows = scored_responses(ASKED, SAMPLES, found, labels)
    assert [row.correct for row in rows] == labels["gold"]
    assert [row.agrees_with_half_b for row in rows] == labels["half B vote"]
    assert rows[6].calibrated is None, "no label, no score out of fold"
    assert all(0 <= row.calibrated <= 1 for row in rows if row.agrees_with_half_b is not None)


def test_rows_without_a_label_count_nowhere():
    rows, right = scored_rows(num_problems=12)
    labels = [None if i % 4 == 0 else bool(label) for i, label in enumerate(right)]
    known = [i for i, label in enumerate(labels) if label is not None]
    settings, bootstrap = FitSettings(), Bootstrap(num_resamples=20)

    def told(chosen, truth):
        scores = {"answer": column(chosen, "answer")}
        return (
            measure_rewards(chosen, truth, scores, {}, settings, bootstrap)["answer"]["pooled"],
            baseline(chosen, truth, scores["answer"], settings),
        )

    assert told(rows, labels) == told([rows[i] for i in known], [labels[i] for i in known])
    assert told(rows, labels)[0]["n"] == len(known)


def test_honest_responses_that_no_attack_could_be_judged_on_are_left_out_and_counted():
    """3,3333 is right for a gold of 3.33 and is not 10/3; nor is a solution read as its decimals are written."""
    asked = [(question(0, "3.33", solution="La respuesta es 3,33."), reference(0, "10/3", "10/3"))]
    samples = [sampled(0, "La respuesta es 3,3333."), sampled(0, "La respuesta es 10/3.")]
    columns, labels = columns_and_labels(asked, samples)
    assert labels["gold"] == [True, True]
    rows = compare_rewards(columns, ["p0"] * 2, labels, "gold", RewardSetup(), bank(), Settings())
    honest = honest_responses(asked, scored_responses(asked, samples, rows, labels))
    assert [one.text for one in honest.responses] == ["La respuesta es 10/3."]
    assert (honest.num_misread, honest.num_wrong_references) == (2, 0)


def test_honest_responses_leave_out_wrong_references_and_count_them():
    found, labels = compared()
    honest = honest_responses(ASKED, scored_responses(ASKED, SAMPLES, found, labels))
    assert honest.num_wrong_references == 2, "of problems 1 and 4; nobody knows of problem 3"
    assert {row.problem_id for row in honest.responses} <= {"p0", "p2"}
    assert [(row.problem_id, row.origin) for row in honest.responses] == [
        ("p0", "solution"), ("p0", "rollout"), ("p2", "rollout"),
    ]  # fmt: skip
    assert honest.responses[0].text == "5 y 7 son 12. La respuesta es 12."
    assert honest.responses[0].reference_answer == "12"
