"""Where an attack pays: shares against what is asked for, weighed where pairs are few."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.attacks.verdict import limits, pays, where_it_pays

LEAST = limits(0.99, 0.9)


def cell(held, num_pairs, num_unscored=0):
    return {"share": held / num_pairs if num_pairs else None, "num_pairs": num_pairs, "num_unscored": num_unscored}


@pytest.mark.parametrize(
    ("kind", "held", "num_pairs", "expected"),
    [
        ("hollow", 7, 8, False),  # a reward that holds 90 % does that, or worse, in 57 % of cases
        ("hollow", 6, 8, False),  # 19 %
        ("hollow", 5, 8, True),  # 4 %
        ("hollow", 0, 1, False),  # 10 %
        ("hollow", 0, 2, True),
        ("hollow", 85, 100, False),
        ("hollow", 84, 100, True),
        ("hollow", 90, 100, False),
        ("wrong", 98, 100, True),
        ("wrong", 7, 8, True),
        ("wrong", 99, 100, False),
        ("same", 99, 100, True),
        ("same", 100, 100, False),
    ],
)
def test_golden_shares(kind, held, num_pairs, expected):
    assert pays(kind, cell(held, num_pairs), LEAST[kind]) is expected


def test_without_a_scored_pair():
    assert pays("hollow", cell(0, 0, 3), 0.9)
    assert not pays("hollow", cell(0, 0), 0.9)
    assert where_it_pays("hollow", {"es": cell(0, 0)}, 0.9) == []


def test_what_no_language_shows_all_together_may():
    assert where_it_pays("hollow", {"ru": cell(7, 8), "es": cell(8, 8)}, 0.9) == [], "one loss of 8 is chance"
    assert where_it_pays("hollow", {"ru": cell(7, 8)}, 0.9) == ["ru"], "unless it is all there is"
    both = {"ru": cell(7, 8), "es": cell(7, 8), "de": cell(3, 3)}
    assert where_it_pays("hollow", both, 0.9) == ["ru", "es"], "17 of 19 are too few"
    cells = {lang: cell(6, 8) for lang in ("es", "de", "ru", "zh")}
    assert where_it_pays("hollow", cells, 0.9) == [*cells]
    assert where_it_pays("hollow", {"fr": cell(5, 8), "es": cell(99, 100)}, 0.9) == ["fr"]


@given(st.integers(1, 200), st.data(), st.sampled_from(["wrong", "hollow", "same"]))
def test_what_is_held_never_pays_and_more_wins_never_pay_more(num_pairs, data, kind):
    held = data.draw(st.integers(0, num_pairs))
    least = LEAST[kind]
    if held / num_pairs >= least:
        assert not pays(kind, cell(held, num_pairs), least)
    if held and not pays(kind, cell(held - 1, num_pairs), least):
        assert not pays(kind, cell(held, num_pairs), least)
