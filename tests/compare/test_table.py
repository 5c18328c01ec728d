"""The table of arms: what is read, what is written, and when it says that the pivot's semantics help."""

import json
import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.compare.table import _minutes, compare_arms, print_arms
from components.contracts import PipelineError, Prediction, write_json, write_table
from components.progress import console
from tests.report.made_up import params

LANGUAGES = ("en", "es", "th", "sw")
SEEDS = [17, 18]


def predictions(chance, seed, graded=True):
    draw = random.Random(seed)
    return [
        Prediction(
            system="trained", problem_id=f"p{n}", lang=lang, family="f", unseen_family=False, trained_lang=lang == "es",
            response="5", num_tokens=3, truncated=n % 10 == 0, answer_read="5", answer_path="phrase",
            correct=draw.random() < chance if graded else None, language_share=0.9,
        )
        for n in range(60) for lang in LANGUAGES
    ]  # fmt: skip


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """Write a run of the given chances by arm, compare, and give what came out."""
    monkeypatch.chdir(tmp_path)
    logged = []

    def compare(chances, graded=True, seeds=SEEDS):
        own = params(LANGUAGES, ("es", "th"))
        section = own.compare.model_copy(update={"run": [arm for arm in chances if arm != "warmup"], "seeds": seeds})
        run = SimpleNamespace(
            params=own.model_copy(update={"compare": section}), metrics={}, log_artifact=lambda _: None,
            log_arms=logged.append,
        )  # fmt: skip
        write_table(Path("data/compare/base/predictions.parquet"), predictions(0.2, 0, graded), Prediction)
        write_json(Path("metrics/compare/base.json"), {"test": {"language_share": 0.95, "truncated_share": 0.2}})
        for arm, chance in chances.items():
            for seed in seeds:
                rows = predictions(chance, f"{arm}{seed}", graded)
                write_table(Path(f"data/compare/{arm}-{seed}/predictions.parquet"), rows, Prediction)
                told = {"test": {"language_share": 0.9, "truncated_share": 0.1, "num_tokens": 9}}
                more = {} if arm == "warmup" else {"tokens_sampled": 100.0 * seed, "learning_rate": seed / 1e5}
                write_json(Path(f"runs/compare/{arm}-{seed}.json"), {"seconds": 6.0 * seed})
                write_json(Path(f"metrics/compare/{arm}-{seed}.json"), told | more)
        compare_arms(run, Path("data/compare"))
        json.dumps(run.metrics, allow_nan=False)
        assert logged == [run.metrics["arms"]]
        return run.metrics

    return compare


def test_the_table_holds_every_arm_and_its_gains(compared):
    metrics = compared({"warmup": 0.3, "hybrid": 0.8, "shuffled": 0.3, "form": 0.3})
    assert metrics["verdict"].startswith("The pivot's semantics help (over shuffled +")
    hybrid = metrics["arms"]["hybrid"]
    assert hybrid["gain_over_warmup"]["low"] > 0
    assert set(hybrid["gain_over_warmup_by_seed"]) == {"17", "18"}
    assert min(hybrid["gain_over_base_by_seed"].values()) > 0.3
    assert hybrid["tokens_sampled"] == 1750
    assert abs(metrics["arms"]["warmup"]["gain_over_warmup"]["mean"]) == 0
    text = Path("report/compare.md").read_text()
    assert text.count("\n| ") == 2 * 7  # of two tables: header, rule, base, four arms
    assert "| base | " in text
    assert "| 95.0 | 20.0 |" in text
    parts = metrics["parts"]
    assert set(parts) == {"base", *metrics["arms"]}
    assert list(parts["hybrid"]) == [*LANGUAGES, "seen families"], "no family of these is unseen"
    trained = (parts["hybrid"]["es"] + parts["hybrid"]["th"]) / 2
    assert trained == pytest.approx(hybrid["accuracy"]["mean"])
    gains = {lang: parts["hybrid"][lang] - parts["base"][lang] for lang in LANGUAGES}
    assert gains["sw"] != gains["en"], "else they could not be told apart"
    assert hybrid["gain_never_trained"]["mean"] == pytest.approx(gains["sw"])
    assert hybrid["gain_english"]["mean"] == pytest.approx(gains["en"])
    assert f"| {100 * parts['warmup']['sw']:.1f} |" in text
    row = next(line for line in text.splitlines() if line.startswith("| hybrid"))
    assert f"| {100 * hybrid['accuracy']['mean']:.1f} [" in row
    assert row.endswith("| 0.00017, 0.00018 | 1750 | 0 | 1.8 |")
    assert "gain_of_hybrid" not in hybrid
    over_shuffled = hybrid["accuracy"]["mean"] - metrics["arms"]["shuffled"]["accuracy"]["mean"]
    assert metrics["arms"]["shuffled"]["gain_of_hybrid"]["mean"] == pytest.approx(over_shuffled)
    assert metrics["arms"]["shuffled"]["gain_of_hybrid"]["low"] > 0
    assert metrics["arms"]["warmup"]["gain_of_hybrid"] == hybrid["gain_over_warmup"]
    lengths = {len(line.split(" | ")) for line in text.split("\n\n")[1].splitlines() if line.startswith("| ")}
    assert lengths == {14}, "every row has every column"
    assert metrics["arms"]["warmup"]["learning_rates"] == {}, "it has none of its own"
    with console.capture() as printed:
        print_arms(metrics)
    assert all(arm in printed.get() for arm in metrics["arms"])


def test_pools_tell_the_gain_of_the_arms_that_ran(compared):
    metrics = compared({"warmup": 0.3, "hybrid": 0.8, "gold": 0.7, "shuffled": 0.3})
    pools = metrics["pools"]
    assert {pool: own["arms"] for pool, own in pools.items()} == {
        "the pivot's answer": ["hybrid", "gold"],
        "controls": ["shuffled"],
    }
    assert set(pools["controls"]) == {"arms", "trained", "never_trained", "english"}
    arms = metrics["arms"]
    mean = (arms["hybrid"]["gain_over_warmup"]["mean"] + arms["gold"]["gain_over_warmup"]["mean"]) / 2
    told = pools["the pivot's answer"]["trained"]
    assert set(told) == {"warmup", "controls"}
    assert told["warmup"]["mean"] == pytest.approx(mean)
    assert told["controls"]["low"] > 0
    assert "- the pivot's answer (hybrid, gold), trained: over warmup +" in Path("report/compare.md").read_text()


@pytest.mark.parametrize(("seeds", "over"), [([17], "problems alone"), (SEEDS, "problems and seeds")])
def test_intervals_are_said_to_be_over_what_was_drawn(compared, seeds, over):
    metrics = compared({"warmup": 0.3, "hybrid": 0.8}, seeds=seeds)
    with console.capture() as printed:
        print_arms(metrics)
    text = Path("report/compare.md").read_text()
    for told in (text, " ".join(printed.get().split())):
        assert f"with intervals over {over}" in told
        assert ("mean over seeds" in told) is (len(seeds) > 1)
    assert ("over problems, seeds and arms" in text) is (len(seeds) > 1)


def test_minutes_that_nobody_counted_are_not_zero(compared):
    compared({"warmup": 0.3, "hybrid": 0.8})
    Path("runs/compare/hybrid-18.json").unlink()
    assert _minutes(["hybrid-17", "hybrid-18"]) is None
    assert _minutes(["hybrid-17"]) == pytest.approx(1.7)


@pytest.mark.parametrize(
    ("chances", "wanted"),
    [
        (
            {"warmup": 0.3, "hybrid": 0.8, "shuffled": 0.8, "form": 0.3},
            "It is not shown that the pivot's semantics help",
        ),
        (
            {"warmup": 0.3, "hybrid": 0.8, "shuffled": 0.3, "form": 0.8},
            "It is not shown that the pivot's semantics help",
        ),
        ({"warmup": 0.3, "hybrid": 0.8}, "was not asked: no arm shuffled, form."),
    ],
)
def test_help_is_claimed_only_over_both_controls(compared, chances, wanted):
    assert wanted in compared(chances)["verdict"]


def test_without_gold_nothing_is_compared(compared):
    with pytest.raises(PipelineError, match="no test problem has a gold answer"):
        compared({"warmup": 0.3, "hybrid": 0.5}, graded=False)
