"""The stage on a made-up run: numbers, page and Markdown."""

import copy
import csv
import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import chdir
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
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
from components.report import accuracy, rewards, training
from components.report.__main__ import ACCURACY, MARKDOWN, PAGE, VALIDATION, work
from components.report.as_markdown import markdown
from components.report.document import Answer, Sample, Samples, Section, shown
from components.report.inputs import PREDICTIONS, SYSTEMS, TEST
from components.report.words import gain_cell, language_name, percent, points
from components.statistics import accuracy_interval
from tests.report.made_up import LANGUAGES, TRAINED, Chance, Kind, make_run, params, stage_run

VOID = {"meta", "link", "br", "hr", "img"}
ACCURACY_KEYS = {"accuracy", "low", "high"}
GAIN_KEYS = {"mean", "low", "high"}
DRAWINGS = ((accuracy, "accuracy_plot"), (training, "training_plot"), (rewards, "auc_map"),
            (rewards, "reliability_plot"))  # fmt: skip
_DRAWN: dict[str, str] = {}


class Page(HTMLParser):
    """Tags as they nest, attributes and visible text; a tag that closes nothing fails."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def better(system: str, _: str) -> float:
    return {"base": 0.3, "warmup": 0.5, "trained": 0.8}[system]


def same(system: str, lang: str) -> float:  # noqa: ARG001
    return 0.5


def report(
    chance: Chance = better,
    response: str = "So it is {answer}.",
    languages: tuple[str, ...] = LANGUAGES,
    trained: tuple[str, ...] = TRAINED,
    kind: Kind = Kind(),  # noqa: B008 - never changed
) -> tuple[dict[str, Any], str, str]:
    """Numbers, page and Markdown of a made-up run, whose files are put into the current folder."""
    metrics, files = _shared(chance, response, languages, trained, kind)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return copy.deepcopy(metrics), files[PAGE].decode(), files[MARKDOWN].decode()


Made = tuple[dict[str, Any], dict[Path, bytes]]


@cache
def _shared(*arguments: Any) -> Made:
    """Made once for all tests that ask for the same; so is a drawing that several runs have."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in DRAWINGS:
            patch.setattr(module, name, partial(_drawn, getattr(module, name)))
        return _made(*arguments)


def _made(chance: Chance, response: str, languages: tuple[str, ...], trained: tuple[str, ...], kind: Kind) -> Made:
    """Numbers and files of a run."""
    with TemporaryDirectory() as folder, chdir(folder):
        given = params(languages, trained)
        make_run(given, chance, response, kind=kind)
        run, _ = stage_run(given)
        work(run)
        return run.metrics, {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def _drawn(draw: Callable[..., str], *arguments: Any) -> str:
    """Drawing takes most of a run's seconds."""
    key = repr((draw, arguments))
    if key not in _DRAWN:
        _DRAWN[key] = draw(*arguments)
    return _DRAWN[key]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


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


def test_page_is_whole_and_needs_nothing_else() -> None:
    _, html, text = report()
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    assert {"svg", "table", "select"} <= page.tags
    assert not {"link", "img", "iframe", "a"} & page.tags
    assert "http://" not in html
    assert "https://" not in html
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert all((value or "").startswith("#") for name, value in page.attributes if name in ("href", "src"))
    ids = {value for name, value in page.attributes if name == "id"}
    assert {value[1:] for name, value in page.attributes if name == "href" and value} <= ids
    for words in ("self-pivot", "one seed", "Bengali (bn) †", "never trained", "million parameters"):
        assert words in page.text, words
        assert words in text.replace("\\", ""), words


@pytest.mark.slow
def test_same_inputs_give_the_same_files() -> None:
    arguments = (better, "So it is {answer}.", LANGUAGES, TRAINED, Kind())
    first, second = _made(*arguments), _made(*arguments)
    assert first == second
    assert {PAGE, MARKDOWN} <= first[1].keys()


def test_responses_cannot_act_as_markup() -> None:
    nasty = "<b>bold</b><script>alert(1)</script>\n```\n# heading\n| a | b |\n````\x00\x1b[31m & done {answer}"
    _, html, text = report(response=nasty)
    page = Page()
    page.feed(html)
    page.close()
    assert "b" not in page.tags
    assert page.open == []
    assert html.count("<script") == 2  # the page's own, and the samples' JSON
    assert "\\u003cb>bold\\u003c/b>\\u003cscript>alert(1)\\u003c/script>" in html
    assert "\x00" not in html + text
    assert "\x1b" not in html + text
    assert "`````text\n<b>bold</b>" in text  # a fence longer than any in the response


def test_markdown_escapes_what_is_not_fenced() -> None:
    sample = Sample("a|b *c*", "en", "q", "<i>", [Answer("[x](javascript:y)", "wrong", None, "r")])
    text = markdown("T", [Section("S", [Samples([sample], [sample])])])
    assert "### a\\|b \\*c\\*" in text
    assert "**\\<i\\>**" in text
    assert "[x\\](javascript:y)" in text


def test_gain_is_told_with_its_parts() -> None:
    metrics, html, _ = report(better)
    gain = metrics["macro"]["all_but_english"]["gain"]
    assert gain["low"] > 0
    assert "Training raised accuracy over the 4 languages other than English" in html
    assert f"{points(gain['low'])} to {points(gain['high'])}" in html
    assert "No gain shown" not in html
    assert "warm-up on English references gave +" in html


def test_no_gain_is_told_as_none() -> None:
    metrics, html, text = report(same)
    assert metrics["macro"]["all_but_english"]["gain"] == {"mean": 0, "low": 0, "high": 0}
    assert "No gain shown: accuracy over the 4 languages other than English" in html
    assert "Training raised" not in html + text
    assert "no effect shown" in html


def test_loss_is_told_as_loss() -> None:
    _, html, _ = report(lambda system, lang: 1 - better(system, lang))
    assert "Training lowered accuracy" in html


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


def test_samples_show_the_choices() -> None:
    _, html, text = report(kind=Kind(choices=("12", "7")))
    for page in (html, text):
        assert "How many are 0 and 2? (es) (A) 12 (B) 7" in page
    assert "answers A, right" in html


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


def test_responses_are_told_by_measure_language_and_system() -> None:
    _, html, text = report()
    for page in (html, text):
        for title in ("right and in the language", "words in the language", "cut off", "no answer could be read"):
            assert title in page
    told = text[text.index("**right and in the language**") : text.index("**words in the language**")]
    assert "| Thai (th) | 40 | 40 | 40 |" in told
    assert "| mean without English | 40 | 40 | 40 |" in told


def test_report_tells_how_to_compare_arms_and_where_seconds_are() -> None:
    _, html, text = report()
    for page in (html, text):
        assert "make compare trains those that params.yaml lists" in page
        assert "pb-rlsvr repro prints them at its end" in page


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


def test_numbers_as_a_person_reads_them() -> None:
    assert (percent(0.479), percent(None), points(0.067), points(-0.02), points(-0.0001)) == (
        "47.9", "–", "+6.7", "−2.0", "0.0",
    )  # fmt: skip
    assert gain_cell({"mean": 0.1, "low": 0.05, "high": 0.15}) == "+10.0 [+5.0, +15.0] ▲"
    assert gain_cell({"mean": -0.1, "low": -0.15, "high": -0.05}) == "−10.0 [−15.0, −5.0] ▼"
    assert gain_cell({"mean": 0.0, "low": -0.1, "high": 0.1}) == "0.0 [−10.0, +10.0]"


def test_languages_are_named_also_where_our_table_lacks_them() -> None:
    assert [language_name(code) for code in ("sw", "bn", "pt-BR", "qu", "wo", "xx")] == [
        "Swahili (sw)", "Bengali (bn)", "Portuguese (pt-BR)", "Quechua (qu)", "Wolof (wo)", "xx",
    ]  # fmt: skip


def test_shown_text_keeps_joiners_and_cuts_the_endless() -> None:
    assert shown("ক্\u200cষ\r\nb\x07") == "ক্\u200cষ\nb\ufffd"
    assert shown("a" * 2000).endswith("… (800 more characters)")
