"""The numbers of a made-up run's report: those of its rows, with and without gold, of few languages and many."""

import csv
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.contracts import (
    ContractError,
    Prediction,
    Question,
    read_records,
    read_table,
    write_records,
    write_table,
)
from components.report.__main__ import ACCURACY, VALIDATION, work
from components.report.inputs import PREDICTIONS, SYSTEMS, TEST
from components.statistics import accuracy_interval
from tests.report.made_up import LANGUAGES, TRAINED, Kind, make_run, params, stage_run
from tests.report.reported import better, make_undrawn, report

ACCURACY_KEYS = {"accuracy", "low", "high"}
GAIN_KEYS = {"mean", "low", "high"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_undrawn(monkeypatch)


def numbers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    else:
        yield value


def test_metrics_have_every_key_and_only_finite_numbers() -> None:
    metrics, _, _ = report()
    assert tuple(metrics["languages"]) == LANGUAGES
    for lang, entry in metrics["languages"].items():
        assert entry.keys() == {*SYSTEMS, "gain", "trained_lang"}
        assert entry["trained_lang"] == (lang in TRAINED)
        assert all(entry[system].keys() == ACCURACY_KEYS for system in SYSTEMS)
        assert entry["gain"].keys() == GAIN_KEYS
    assert metrics["macro"].keys() == {"trained_languages", "untrained_languages", "all_but_english"}
    for entry in metrics["macro"].values():
        assert entry.keys() == {*SYSTEMS, "gain", "rl_gain"}
        assert entry["gain"].keys() == entry["rl_gain"].keys() == GAIN_KEYS
    assert metrics["gap_to_english"].keys() == {*SYSTEMS, "change"}
    assert metrics["families"].keys() == {"seen", "unseen"}
    assert all(entry.keys() == {*SYSTEMS, "gain"} for entry in metrics["families"].values())
    assert metrics["language_share"] == dict.fromkeys(SYSTEMS, pytest.approx(0.9))
    assert metrics["truncated_share"] == dict.fromkeys(SYSTEMS, pytest.approx(0.1))
    assert metrics["unparsed_share"] == dict.fromkeys(SYSTEMS, pytest.approx(0.2))
    assert metrics["joint_accuracy"] == dict.fromkeys(SYSTEMS, pytest.approx(0.4))
    assert (metrics["promoted"], metrics.pop("audit_verdict")) == (0, "passed")
    assert metrics.pop("promotion").keys() == {"passed", "conditions", "adapter_sha256"}
    assert all(math.isfinite(value) for value in numbers(metrics))
    json.dumps(metrics, allow_nan=False)


def test_numbers_are_those_of_the_rows() -> None:
    metrics, _, _ = report(lambda system, lang: better(system, lang) + (0.1 if lang == "en" else 0))
    rows = read_table(PREDICTIONS, Prediction)

    def accuracy(system: str, lang: str) -> float:
        own = [row.correct for row in rows if row.system == system and row.lang == lang]
        return sum(own) / len(own)

    others = [lang for lang in LANGUAGES if lang != "en"]
    mean = {system: sum(accuracy(system, lang) for lang in others) / len(others) for system in SYSTEMS}
    everything = metrics["macro"]["all_but_english"]
    gaps = metrics["gap_to_english"]
    assert everything["base"]["accuracy"] == pytest.approx(mean["base"])
    assert everything["gain"]["mean"] == pytest.approx(mean["trained"] - mean["base"])
    assert everything["rl_gain"]["mean"] == pytest.approx(mean["trained"] - mean["warmup"])
    assert gaps["base"] == pytest.approx(accuracy("base", "en") - mean["base"])
    assert gaps["change"]["mean"] == pytest.approx(gaps["base"] - gaps["trained"])


@pytest.mark.slow
def test_all_languages_trained() -> None:
    metrics, html, _ = report(languages=("en", "es", "de"))
    assert metrics["macro"].keys() == {"trained_languages", "all_but_english"}
    assert "never trained" not in html


@pytest.mark.slow
def test_one_other_language() -> None:
    metrics, html, _ = report(languages=("en", "es"), trained=("es",))
    assert metrics["gap_to_english"]["base"] == 0
    assert "in Spanish, the only language besides English," in html


def test_english_alone() -> None:
    metrics, html, _ = report(languages=("en",), trained=("en",))
    assert metrics["macro"] == {}
    assert not {"gap_to_english", "families"} & metrics.keys()
    assert "in English, the only language evaluated" in html
    assert "Gap to English" not in html


def test_problems_without_gold_count_in_no_accuracy() -> None:
    told, html, text = report(kind=Kind(has_gold=lambda number: number % 4 > 0))
    assert (told["num_problems"], told["num_without_gold"]) == (40, 10)
    rows = [row for row in read_table(PREDICTIONS, Prediction) if (row.system, row.lang) == ("trained", "es")]
    graded = [row.correct for row in rows if row.correct is not None]
    assert len(graded) == 30
    assert told["languages"]["es"]["trained"]["accuracy"] == sum(graded) / 30
    wilson = accuracy_interval(graded, 0.95)
    assert told["languages"]["es"]["trained"]["low"] == wilson.low
    assert told["families"].keys() == {"seen", "unseen"}
    for page in (html, text):
        assert "10 of the 40 test problems have no known answer" in page
        assert "not graded" in page
    assert '"gold":"not known"' in html
    assert "Gold answer: **not known**" in text


def test_an_ungraded_problem_changes_no_number_of_the_others() -> None:
    given = params()
    make_run(given, better)
    rows, questions = read_table(PREDICTIONS, Prediction), read_records(TEST, Question)
    told = []
    for _ in range(2):
        run, _ = stage_run(given)
        work(run)
        told.append({name: run.metrics[name] for name in ("languages", "macro", "gap_to_english", "families")})
        more = [row.model_copy(update={"problem_id": f"more-{row.problem_id}", "correct": None}) for row in rows]
        asked = [q.model_copy(update={"problem_id": f"more-{q.problem_id}", "answer": None}) for q in questions]
        write_table(PREDICTIONS, [*rows, *more], Prediction)
        write_records(TEST, [*questions, *asked])
    assert told[0] == told[1]


def test_no_gold_at_all_is_told_and_no_accuracy_is() -> None:
    told, html, text = report(kind=Kind(has_gold=lambda _: False))
    assert (told["num_problems"], told["num_without_gold"]) == (40, 40)
    assert (told["languages"], told["macro"]) == ({}, {})
    assert not {"gap_to_english", "families"} & told.keys()
    assert told["language_share"] == dict.fromkeys(SYSTEMS, pytest.approx(0.9))
    assert told["joint_accuracy"] == {}
    for page in (html, text):
        assert "No accuracy is told: nobody knows the right answers of the 40 test problems" in page
        assert "Language and length of the responses" in page
        assert "mean without English" in page
        assert not re.search(
            r"Training (raised|lowered) accuracy|No gain shown|Accuracy by language|, (wrong|right)(?!\\?_)", page
        )
    assert ACCURACY.read_text() == "lang,base,warmup,trained\n"
    run, said = stage_run(params())
    work(run)
    assert said[0].startswith("No accuracy is told")


@pytest.mark.slow
@pytest.mark.parametrize("unseen", [True, False])
@pytest.mark.parametrize("languages", [("en",), ("en", "es"), LANGUAGES])
@pytest.mark.parametrize("golds", [0, 1, 40])
def test_families_of_one_kind_few_languages_and_little_gold_still_give_a_report(
    unseen: bool, languages: tuple[str, ...], golds: int
) -> None:
    kind = Kind(has_gold=lambda number: number < golds, is_unseen=lambda _: unseen)
    told, html, _ = report(languages=languages, trained=languages[-1:], kind=kind)
    if golds and len(languages) > 1:
        assert told["families"].keys() == {"unseen" if unseen else "seen"}
    assert told["num_without_gold"] == 40 - golds
    assert ("No accuracy is told" in html) is (golds == 0)
    assert told.pop("promotion")["passed"] is False
    assert (told.pop("promoted"), told.pop("audit_verdict")) == (0, "passed" if golds else "unverified")
    assert all(math.isfinite(value) for value in numbers(told))


def test_tables_for_dvc_have_a_row_a_mark() -> None:
    metrics, _, _ = report()
    with ACCURACY.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [*rows[0]] == ["lang", *SYSTEMS]
    assert [row["lang"] for row in rows] == list(LANGUAGES)
    for row in rows:
        for system in SYSTEMS:
            assert float(row[system]) == metrics["languages"][row["lang"]][system]["accuracy"]
    assert VALIDATION.read_text() == "step,validation\n0,0.35\n10,0.4\n"


def test_broken_inputs_get_one_clear_line() -> None:
    given = params()
    make_run(given, better)
    run, _ = stage_run(given)
    rows = read_table(PREDICTIONS, Prediction)
    write_table(PREDICTIONS, [row for row in rows if row.system != "warmup"], Prediction)
    with pytest.raises(ContractError, match="no rows of system `warmup`"):
        work(run)
    write_table(PREDICTIONS, [row for row in rows if (row.system, row.problem_id) != ("base", "p3")], Prediction)
    with pytest.raises(ContractError, match="answered different questions"):
        work(run)
    write_table(PREDICTIONS, [*rows, rows[0]], Prediction)
    with pytest.raises(ContractError, match="twice"):
        work(run)
    Path("metrics/train.json").unlink()
    with pytest.raises(ContractError, match=r"metrics/train\.json: No such file"):
        work(run)
