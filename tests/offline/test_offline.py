"""`score`, `calibrate` and `audit` on small files, called in this process; the processes are in test_commands.py."""

import io
import json

import numpy as np
import pytest

from components.contracts import ContractError, PipelineError
from components.encoding import Encoder
from components.offline.audit import audit_reward, built_in_honest, honest_of
from components.offline.calibrate import METRICS, calibrate_file
from components.offline.rows import ReferenceRow, choose
from components.offline.score import score_file
from components.progress import console
from components.reward.bank import ReferenceBank
from components.reward.calibrated import CalibratedReward, load_reward
from components.reward.hybrid import HybridReward
from components.reward.setup import RewardSetup
from tests.offline.made_up import references, rollouts, text, write
from tests.reward.made_up import packaged_encoder


@pytest.fixture(autouse=True)
def encoder_that_is_loaded_already(monkeypatch):
    monkeypatch.setattr(Encoder, "_model", packaged_encoder()._model)


@pytest.fixture(scope="module")
def shown():
    """What was printed, wide enough for whole tables."""

    def printed(action):
        with console.capture() as captured:
            action()
        return captured.get()

    return printed


def scored(folder, given, answers, name="hybrid", calibration=None):
    out = io.BytesIO()
    paths = write(folder / "references.jsonl", answers), write(folder / "rollouts.jsonl", given)
    score_file(name, *paths, RewardSetup(), calibration, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_rollout_gets_a_row_in_order_with_its_terms(tmp_path):
    given = rollouts(2)
    rows = scored(tmp_path, given, references(2))
    assert [row["id"] for row in rows] == [row["id"] for row in given]
    for row, rollout in zip(rows, given, strict=True):
        assert set(row) == {
            "id", "score", "answer", "steps", "numbers", "language", "repetition", "encoder_declares"
        }  # fmt: skip
        assert row["answer"] == float(rollout["text"] == text(rollout["lang"], rollout["problem_id"] + 7))
        assert row["encoder_declares"] == (rollout["lang"] != "sw") == (row["steps"] is not None)
        assert 0 <= row["score"] <= 1
    rewarded = {answer: [row["score"] for row in rows if row["answer"] == answer] for answer in (0.0, 1.0)}
    assert max(rewarded[0.0]) < min(rewarded[1.0])


def test_rollouts_without_a_score_have_a_reason_and_are_told(tmp_path, capsys):
    given = [*rollouts(1, ("es",)), {"id": 7, "problem_id": "nowhere", "lang": "es", "text": "La respuesta es 3."}]
    rows = scored(tmp_path, given, references(1))
    assert rows[-1] == {
        "id": 7, "score": None, "answer": None, "steps": None, "numbers": None, "language": 1.0, "repetition": 1.0,
        "encoder_declares": True, "reason": "no reference has its problem_id",
    }  # fmt: skip
    assert "1 of 5 rollouts have no score: no reference has its problem_id" in capsys.readouterr().err
    silent = [{"problem_id": 0, "text": "It is so."}]
    (row,) = scored(tmp_path, given[:1], silent, name="answer")
    assert (row["score"], row["reason"]) == (None, "the reference has nothing that `answer` compares with")


def test_scores_do_not_depend_on_the_pieces_that_they_are_computed_in(tmp_path, monkeypatch):
    whole = scored(tmp_path, rollouts(2), references(2))
    monkeypatch.setattr("components.comparison.parallel.PIECE", 3)
    pieces = scored(tmp_path, rollouts(2), references(2))
    assert [row["id"] for row in pieces] == [row["id"] for row in whole]
    np.testing.assert_allclose([row["score"] for row in pieces], [row["score"] for row in whole], atol=1e-5)


def test_samples_vote_on_the_reference():
    def row(answer, said):
        return ReferenceRow(problem_id=1, text=said, answer=answer)

    assert choose([row("3", "a"), row(4, "b"), row(4.0, "c")]).text == "b"
    assert choose([row(None, "x 9"), row(None, "The answer is 4."), row("3", "a")]).answer == "4", "the first of equals"
    assert choose([row(None, "It is 9"), row(None, "y")]) == choose([row(None, "It is 9")])
    assert choose([row(None, "It is 9")]).answer is None
    assert choose([row("B", "b")]).answer == "B"
    assert choose([row("about four", "So \\boxed{4}.")]).answer == "4"


def test_references_of_choice_questions_are_read_with_their_rollouts_choices(tmp_path):
    """`(B) 1948` is a letter with its text, not the number."""
    offered = {"choices": ["1947", "1948"]}
    answers = [{"problem_id": "p", "text": "The correct answer is (B) 1948."}]
    given = [{"id": i, "problem_id": "p", "lang": "es", "text": f"La respuesta es {x}.", **offered}
             for i, x in enumerate("AB")]  # fmt: skip
    assert [row["answer"] for row in scored(tmp_path, given, answers)] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("given", "answers", "told"),
    [
        (None, references(1), "rollouts.jsonl: No such file or directory; give a JSONL file"),
        (rollouts(1), None, "references.jsonl: No such file or directory; give a JSONL file"),
        ([{"id": 1, "problem_id": 0, "text": "x"}], references(1), "rollouts.jsonl:1: field `lang`"),
        (rollouts(1), [{"problem_id": 0, "text": ""}], "references.jsonl:1: field `text`"),
        (rollouts(1, ("es",)) * 2, references(1), "rollouts.jsonl: 4 ids occur more than once, the first is '0-es-0'"),
        ([], references(1), "rollouts.jsonl: no rollouts"),
        (rollouts(1), [], "references.jsonl: no references"),
    ],
)  # fmt: skip
def test_a_broken_file_is_one_line(tmp_path, given, answers, told):
    for name, rows in (("rollouts.jsonl", given), ("references.jsonl", answers)):
        if rows is not None:
            write(tmp_path / name, rows)
    with pytest.raises(ContractError) as caught:
        score_file(
            "answer", tmp_path / "references.jsonl", tmp_path / "rollouts.jsonl", RewardSetup(), None, io.BytesIO()
        )
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_margin_needs_a_calibration(tmp_path):
    with pytest.raises(PipelineError, match="--calibration DIR"):
        scored(tmp_path, rollouts(1), references(1), name="margin")


def calibrated(folder, given, answers, **options):
    paths = write(folder / "references.jsonl", answers), write(folder / "rollouts.jsonl", given)
    calibrate_file(*paths, folder / "out", RewardSetup(), **options)
    return json.loads((folder / "out" / METRICS).read_text())


@pytest.fixture(scope="module")
def by_column(tmp_path_factory):
    """Calibrated on the column `correct`: the references of two problems are wrong, and nobody but it knows."""
    folder = tmp_path_factory.mktemp("correct")
    given = [{**row, "correct": row["text"] == text(row["lang"], row["problem_id"] + 7)} for row in rollouts(7)]
    answers = [*references(5), *references(7, (1,))[5:]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Encoder, "_model", packaged_encoder()._model)
        return folder, calibrated(folder, given, answers), given


def test_calibrating_on_the_column_correct(by_column):
    folder, metrics, given = by_column
    assert metrics["weights"]["status"] == "fitted"
    assert metrics["weights"]["on"] == "correct column"
    assert set(metrics["labels"]) == {"correct column"}
    told = metrics["labels"]["correct column"]["rewards"]
    assert told["answer"]["pooled"]["auc"] < 0.95, "two references are wrong"
    assert told["answer"]["pooled"]["n"] == len(given)
    assert isinstance(load_reward(folder / "out"), CalibratedReward)


def test_scores_of_a_calibration_are_those_of_its_reward(by_column, tmp_path):
    folder, _, given = by_column
    answers = references(7)
    given = [*given, {"id": "en", "problem_id": 0, "lang": "es", "text": text("en", 7)}]
    rows = scored(tmp_path, given, answers, calibration=folder / "out")
    by_problem = {row["problem_id"]: row for row in answers}
    direct = load_reward(folder / "out")(
        completions=[row["text"] for row in given], lang=[row["lang"] for row in given],
        reference_text=[by_problem[row["problem_id"]]["text"] for row in given],
        reference_answer=[by_problem[row["problem_id"]]["answer"] for row in given],
    )  # fmt: skip
    assert [row["score"] for row in rows[:-1]] == pytest.approx(direct[:-1], abs=1e-5)
    assert rows[-1]["score"] / 4 == pytest.approx(direct[-1], abs=1e-5), (
        "P(correct) is told, training has the gate beside it"
    )
    assert all(0 <= row["score"] <= 1 for row in rows)
    margins = scored(tmp_path, given[:2], answers, name="margin", calibration=folder / "out")
    assert all(-1 <= row["score"] <= 1 for row in margins)


def test_with_halves_terms_are_of_half_a_and_labels_of_half_b(tmp_path):
    """Half A (samples 0 and 2) is right everywhere, half B off by one everywhere."""
    answers = [row for number in range(6) for row in (
        {"problem_id": number, "text": text("en", number + 7), "answer": number + 12},
        {"problem_id": number, "text": text("en", number + 7, 1), "answer": number + 13},
        {"problem_id": number, "text": text("en", number + 7), "answer": number + 12},
        {"problem_id": number, "text": text("en", number + 7, 1), "answer": number + 13},
    )]  # fmt: skip
    metrics = calibrated(tmp_path, rollouts(6, ("es", "de")), answers)
    assert metrics["weights"]["on"] == "half B vote"
    told = metrics["labels"]["half B vote"]["rewards"]["answer"]
    assert told["pooled"]["auc"] < 0.5, "what agrees with half A is what half B calls wrong"
    bank = ReferenceBank.read(tmp_path / "out")
    half_a = packaged_encoder().encode([text("en", number + 7) for number in range(6)])
    np.testing.assert_allclose(bank.vectors, half_a, atol=1e-5)


def test_rewards_that_no_hybrid_is_made_of_are_measured_where_asked_for(tmp_path):
    own = [{**row, "correct": bool(number % 2)} for number, row in enumerate(rollouts(6, ("es",)))]
    told = [
        calibrated(tmp_path, own, references(6), every_reward=asked)["labels"]["correct column"]["rewards"]
        for asked in (False, True)
    ]
    assert told[1].keys() - told[0].keys() == {"embedding", "margin", "hybrid_paper"}
    assert told[0] == {name: told[1][name] for name in told[0]}, "the others are as they were"


def test_one_reference_and_no_label_identifies_nothing(tmp_path, shown):
    printed = shown(lambda: calibrated(tmp_path, rollouts(6, ("es",)), references(6)))
    metrics = json.loads((tmp_path / "out" / METRICS).read_text())
    assert metrics["labels"] == {}
    assert metrics["weights"]["status"].startswith("not identifiable: one reference a problem")
    assert "not identifiable" in printed
    assert "AUC" not in printed
    own = load_reward(tmp_path / "out")
    assert isinstance(own, HybridReward)


def test_no_rollout_with_a_reference_is_one_line(tmp_path):
    with pytest.raises(PipelineError, match=r"no rollout has a problem_id of .*references\.jsonl") as caught:
        calibrated(tmp_path, [{"id": 1, "problem_id": "x", "lang": "es", "text": "x"}], references(1))
    assert "\n" not in str(caught.value)


def test_honest_rollouts_are_right_and_in_their_language(tmp_path):
    given = [
        *rollouts(1, ("es", "sw")),
        {"id": "en", "problem_id": 0, "lang": "es", "text": text("en", 7)},
        {"id": "no", "problem_id": 0, "lang": "es", "text": text("es", 7), "correct": False},
        {"id": "gone", "problem_id": 9, "lang": "es", "text": text("es", 7)},
    ]
    paths = write(tmp_path / "references.jsonl", references(1)), write(tmp_path / "rollouts.jsonl", given)
    assert [(row.lang, row.text) for row in honest_of(*paths)] == [
        (lang, text(lang, 7)) for lang in ("es", "es", "sw", "sw")
    ]
    write(paths[1], given[-3:])
    with pytest.raises(ContractError, match="no rollout is right and in its language"):
        honest_of(*paths)


def test_auditing_rollouts_tells_what_can_be_gamed(tmp_path, shown):
    paths = (
        write(tmp_path / "references.jsonl", references(3)),
        write(tmp_path / "rollouts.jsonl", rollouts(3, ("es",))),
    )
    weak = shown(lambda: audit_reward("language", RewardSetup(), None, *paths, 2))
    assert "It can be gamed:" in weak
    assert "honest wins" in weak
    strong = shown(lambda: audit_reward("hybrid", RewardSetup(), None, *paths, 2))
    assert "on 6 honest responses" in strong
    with pytest.raises(PipelineError, match="--references goes with ROLLOUTS"):
        audit_reward("hybrid", RewardSetup(), None, None, paths[1], 2)


def test_built_in_problems_come_with_honest_responses_in_every_language():
    honest = built_in_honest(3)
    problems = dict.fromkeys(row.problem_id for row in honest)
    assert len(problems) == 3
    langs = [[row.lang for row in honest if row.problem_id == problem] for problem in problems]
    assert langs[0] == langs[1] == langs[2]
    assert {"en", "es", "de", "zh", "sw"} <= set(langs[0])
    assert all(row.reference_text and row.reference_answer and row.text for row in honest)


def test_gold_is_scored_where_rows_have_it(tmp_path):
    first, second, *_ = rollouts(2)
    right = {**first, "gold": f"{first['problem_id'] + 12}.0", "text": text(first["lang"], first["problem_id"] + 7)}
    rows = scored(tmp_path, [right, {**second, "gold": None}], references(2), "gold")
    assert [row["score"] for row in rows] == [1.0, None]
    assert "reason" in rows[1]
