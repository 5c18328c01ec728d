"""Gains over questions and seeds, against the paired bootstrap and hand-made verdicts."""

import pytest

from components.benchmarks.shown import sections
from components.benchmarks.summary import summarise
from components.statistics import Outcome, PairedBootstrap
from tests.benchmarks.made_up import grid, made

BASE = {"en": [True] * 6 + [False] * 14, "es": [True] * 5 + [False] * 15}
LOW = {"en": BASE["en"], "es": [True] * 8 + [False] * 12}
HIGH = {"en": BASE["en"], "es": [True] * 16 + [False] * 4}


def summary(**systems):
    return summarise([row for name, verdicts in systems.items() for row in grid(name, verdicts)])


def test_gain_is_the_mean_over_the_seeds_and_each_is_told():
    told = summary(base=BASE, **{"rl/1": LOW, "rl/2": HIGH})["seeds"]["rl"]
    assert told["num_seeds"] == 2
    assert told["accuracy"]["mean"] == pytest.approx((0.4 + 0.8) / 2)
    assert told["gain"]["mean"] == pytest.approx((0.15 + 0.55) / 2)
    assert told["gain_by_seed"] == pytest.approx({"1": 0.15, "2": 0.55})


@pytest.mark.slow
def test_seeds_that_disagree_widen_the_interval():
    same = summary(base=BASE, **{"rl/1": LOW, "rl/2": LOW})["seeds"]["rl"]["gain"]
    rows = [
        Outcome(system, str(number), "es", verdict)
        for system, verdicts in (("base", BASE), ("rl", LOW))
        for number, verdict in enumerate(verdicts["es"])
    ]
    alone = PairedBootstrap(rows, 2000, 0.95, 0).gain("rl", "base", ["es"])
    assert (same["low"], same["high"]) == (alone.low, alone.high), "equal seeds are one"
    apart = summary(base=BASE, **{"rl/1": LOW, "rl/2": HIGH})["seeds"]["rl"]["gain"]
    assert apart["high"] - apart["low"] > 1.5 * (same["high"] - same["low"])


@pytest.mark.slow
def test_labels_need_not_have_as_many_seeds():
    told = summary(base=BASE, alone=LOW, **{"a/1": LOW, "a/2": LOW, "b/1": HIGH, "b/2": HIGH, "b/3": LOW})
    assert {label: own["num_seeds"] for label, own in told["seeds"].items()} == {"a": 2, "b": 3}
    assert summary(base=BASE, trained=LOW)["seeds"] == {}


def test_the_report_has_their_table():
    metrics = {"made": made("en", "es"), **summary(base=BASE, **{"rl/1": LOW, "rl/2": HIGH})}
    (section,) = (own for own in sections(metrics, grid("base", BASE)) if own.title == "Against the base model")
    (row,) = section.blocks[0].groups[0].rows
    assert row[:2] == ["rl", "2"]
    assert row[2].startswith("60.0 [")
    assert row[3].startswith("+35.0 [")
    assert row[4] == "+15.0, +55.0"
