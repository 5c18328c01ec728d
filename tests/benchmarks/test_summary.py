"""Figures against scipy, statsmodels and hand-computed examples."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from components.benchmarks.run import write_results
from components.benchmarks.summary import detectable_difference, majority, pass_at_k, summarise
from components.statistics import Outcome, PairedBootstrap
from tests.benchmarks.made_up import grid, made, sample


def test_accuracy_has_wilsons_interval():
    own = summarise(grid("base", {"es": [True] * 7 + [False] * 13}))["systems"]["base"]["es"]
    assert own["accuracy"] == pytest.approx(0.35)
    assert own["wilson"] == pytest.approx(proportion_confint(7, 20, method="wilson"))
    assert own["wilson"] == pytest.approx(list(binomtest(7, 20).proportion_ci(method="wilson")))


def test_joint_accuracy_asks_for_the_language_too():
    rows = [sample("base", 0, "es", True), sample("base", 1, "es", True, language_share=0.2),
            sample("base", 2, "es", False)]  # fmt: skip
    own = summarise(rows)["systems"]["base"]["es"]
    assert own["accuracy"] == pytest.approx(2 / 3)
    assert own["joint_accuracy"] == pytest.approx(1 / 3)


def test_comparison_is_paired_and_told_both_ways():
    before = grid("base", {"en": [True, True, False, False], "es": [True, False, False, False]})
    after = grid("trained", {"en": [True, True, False, False], "es": [True, True, True, False]})
    told = summarise(before + after)
    spanish = told["comparisons"]["trained"]["by_language"]["es"]
    assert (spanish["num_won"], spanish["num_lost"]) == (2, 0)
    assert spanish["mean"] == pytest.approx(0.5)
    assert spanish["relative"] == pytest.approx(2.0)
    assert spanish["mcnemar_p"] == pytest.approx(binomtest(0, 2).pvalue)
    assert told["macro"]["base"]["mean"] == pytest.approx(0.25)  # English stands for itself
    assert told["gap"]["base"]["mean"] == pytest.approx(0.25)
    assert told["gap"]["trained"]["mean"] == pytest.approx(-0.25)


def test_holms_correction_is_over_the_languages():
    before = grid("base", {"es": [False] * 8, "sw": [False] * 5 + [True] * 3, "th": [True, False] * 4})
    after = grid("trained", {"es": [True] * 8, "sw": [True] * 8, "th": [True, False] * 4})
    own = summarise(before + after)["comparisons"]["trained"]["by_language"]
    p = sorted(one["mcnemar_p"] for one in own.values())
    assert own["es"]["holm_p"] == pytest.approx(3 * p[0])
    assert own["sw"]["holm_p"] == pytest.approx(2 * p[1])
    assert own["th"]["holm_p"] == 1


def test_rows_without_gold_count_in_no_accuracy():
    own = summarise(grid("base", {"es": [True, None, False]}))
    assert own["systems"]["base"]["es"]["accuracy"] == pytest.approx(0.5)
    assert (own["systems"]["base"]["es"]["num"], own["systems"]["base"]["es"]["num_graded"]) == (3, 2)
    nothing = summarise(grid("base", {"es": [None, None]}))
    assert nothing["macro"] == {}
    assert "accuracy" not in nothing["systems"]["base"]["es"]


def test_choices_by_the_character():
    rows = [sample("base", 0, "es", False, gold="B", choice_logps=(-2.0, -3.0), choice_lengths=(2, 10))]
    assert summarise(rows)["systems"]["base"]["es"]["normalised_accuracy"] == 1


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_pass_at_k_is_the_mean_over_all_choices_of_k(verdicts, data):
    k = data.draw(st.integers(1, len(verdicts)))
    drawn = [any(own) for own in combinations(verdicts, k)]
    assert pass_at_k(sum(verdicts), len(verdicts), k) == pytest.approx(sum(drawn) / len(drawn))


def test_pass_at_more_than_there_are_is_refused():
    with pytest.raises(ValueError, match="pass@3"):
        pass_at_k(1, 2, 3)


@pytest.mark.parametrize(
    ("read", "right"),
    [(["1", "2", "1.0"], True), (["2", "1", "2"], False), ([None, None, "1"], True), ([None, None], False),
     (["2", "1"], False)],
)  # fmt: skip
def test_majority(read, right):
    group = [sample("base", 0, "es", own == "1" or own == "1.0", answer_read=own) for own in read]
    assert majority(group) is right


def test_several_samples_are_told_as_such():
    groups = [(True, False), (False, False)]
    rows = [sample("base", i, "es", right, sample=k) for i, group in enumerate(groups) for k, right in enumerate(group)]
    told = summarise(rows)
    own = told["systems"]["base"]["es"]
    assert told["num_samples"] == 2
    assert own["accuracy"] == pytest.approx(0.25)
    assert own["pass_at"] == pytest.approx({"1": 0.25, "2": 0.5})


def test_the_mean_of_several_samples_has_an_interval_over_questions():
    """Wilson's would be of the first samples alone, all of them wrong here."""
    rows = [sample("base", i, "es", k > i % 3, sample=k) for i in range(20) for k in range(4)]
    own = summarise(rows)["systems"]["base"]["es"]
    outcomes = [Outcome("base", str(i), "es", (3 - i % 3) / 4) for i in range(20)]
    over_questions = PairedBootstrap(outcomes, 2000, 0.95, 0).accuracy("base", ["es"])
    assert own["accuracy"] == pytest.approx(over_questions.mean)
    assert own["bootstrap"] == pytest.approx([over_questions.low, over_questions.high])
    assert "wilson" not in own
    assert "bootstrap" not in summarise(rows[::4])["systems"]["base"]["es"]


def test_what_can_be_detected_shrinks_with_the_questions_and_is_not_nothing_where_nothing_differed():
    assert 0 < detectable_difference(400, 0) < detectable_difference(400, 80) < detectable_difference(100, 20)
    # 2.8016 · sqrt((80 + 1) / 402 / 400)
    assert detectable_difference(400, 80) == pytest.approx(0.06288, abs=1e-4)


def test_a_language_that_our_table_lacks_is_in_the_report(tmp_path):
    samples = grid("base", {"en": [True, False], "qu": [True, False], "wo": [False, True]})
    write_results(tmp_path, {"made": made("en", "qu", "wo"), **summarise(samples)}, samples)
    page = (tmp_path / "report.html").read_text()
    assert "Quechua (qu)" in page
    assert '<option value="wo">Wolof (wo)</option>' in page
