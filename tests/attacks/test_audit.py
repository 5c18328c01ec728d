"""The audit on rewards whose shares are known beforehand, and how it is printed."""

import json
import math
from collections.abc import Sequence

import pytest
from rich.console import Console

from components import progress
from components.attacks import ATTACKS, Cell, Honest, audit, margin_tables, share_tables, tables
from components.attacks.tables import print_audit
from components.contracts import PipelineError
from components.lang import languages
from components.reward.functions import AnswerReward, LanguageReward
from tests.attacks.rows import built_in, fixed

EN = "There are 6 pears. Then come 6 + 8 = 14 pears. The answer is 14."
DE = "Es sind 6 Birnen. Dann sind es 6 + 8 = 14 Birnen. Die Antwort ist 14."
PAIR = [
    Honest("pears", "en", EN, "How many pears?", EN, "14", (), "solution"),
    Honest("pears", "de", DE, "Wie viele Birnen?", EN, "14", (), "solution"),
]


class Length:
    """Number of characters; what is empty cannot be scored."""

    __name__ = "length"

    def __init__(self) -> None:
        self.calls: list[dict[str, Sequence]] = []

    def __call__(self, completions, **columns):
        self.calls.append({"completions": completions, **columns})
        return [float(len(text)) or None for text in completions]


@pytest.fixture(scope="module")
def by_length():
    return audit(PAIR, Length()).by_attack()


def test_one_call_a_language_with_all_columns():
    reward = Length()
    audit(fixed(), reward)
    assert [set(call["lang"]) for call in reward.calls] == [{lang} for lang in dict.fromkeys(r.lang for r in fixed())]
    for call in reward.calls:
        assert {"problem_id", "reference_text", "reference_answer", "question", "choices"} < call.keys()
        assert {len(column) for column in call.values()} == {len(call["completions"])}


def test_shares_and_margins_by_hand(by_length):
    """Shorter attacks lose, longer ones win, and one digit for another is a tie: a loss."""
    of = {name: cells["de"] for name, cells in by_length.items()}
    numbers = "6 6 8 14 14"
    assert of["digits"].margins == (len(DE) - len(numbers),)
    assert of["equations"].margins == (len(DE) - len("6 + 8 = 14"),)
    assert of["phrase_alone"].margins == (len(DE) - len("Die Antwort ist 14."),)
    assert of["english_reference"].margins == of["wrong_language"].margins == (len(DE) - len(EN),)
    assert of["question"].margins == (len(DE) - len("Wie viele Birnen?"),)
    assert of["final_number"].margins == of["middle_number"].margins == (0,)
    assert {name for name, cell in of.items() if cell.share == 1} == {
        "digits", "equations", "phrase_alone", "english_reference", "wrong_language", "question"
    }  # fmt: skip
    assert {name for name, cell in of.items() if cell.share == 0} == {
        "final_number", "middle_number", "mixed_scripts", "filler", "repetition", "zero_width"
    }  # fmt: skip


def test_what_was_not_scored_or_not_built_is_counted(by_length):
    empty, other, reference = (
        by_length["empty"]["de"],
        by_length["other_reference"]["de"],
        by_length["english_reference"],
    )
    assert (empty.num_pairs, empty.num_unscored, empty.num_not_built, empty.share) == (0, 1, 0, None)
    assert (empty.median_margin, empty.lowest_margin) == (None, None)
    assert (other.num_pairs, other.num_unscored, other.num_not_built) == (0, 0, 1)
    assert dict(reference["en"].not_built) == {"English is the language asked for": 1}


def cell(kind="hollow", margins=(0.5, 0.0, -0.25, 0.1), **changes):
    values = {"attack": "filler", "lang": "de", "num_unscored": 0, "not_built": {}, **changes}
    return Cell(kind=kind, margins=margins, **values)


def test_a_cells_numbers():
    assert (cell().num_pairs, cell().num_held, cell().share) == (4, 2, 0.5)  # 0.5 and 0.1 win; a tie is a loss
    assert (cell().median_margin, cell().lowest_margin) == (0.05, -0.25)
    assert cell(kind="same").share == 0.25  # one of four is equal


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reward", "held"),
    [
        (AnswerReward(), {"empty", "final_number", "other_reference", "question", "zero_width"}),
        (
            LanguageReward(),
            {"empty", "digits", "equations", "english_reference", "wrong_language", "mixed_scripts", "zero_width"},
        ),
    ],
    ids=["answer", "language"],
)
def test_each_reward_stops_the_attacks_of_its_kind_and_no_other(reward, held):
    """The answer alone cannot tell a language, the language alone no answer, and neither sees bad reasoning."""
    result = audit(built_in()[:33], reward)
    assert result.languages == sorted(result.languages)
    for name, cells in result.by_attack().items():
        shares = [one.share for one in cells.values() if one.share is not None]
        assert shares, name
        if name in held:
            assert shares == [1.0] * len(shares), name
        else:
            assert sum(shares) < 0.2 * len(shares), name
    failing = {line.split(" in ")[0] for line in result.failures()}
    assert failing == ATTACKS.keys() - held


def test_failures_are_readable_and_of_the_languages_asked_for():
    result = audit(PAIR, Length())
    lines = result.failures(languages=["de"])
    assert "filler in de: honest wins 0.0 % of 1 pairs, 90 % are asked for" in lines
    assert "final_number in de: honest wins 0.0 % of 1 pairs, 99 % are asked for" in lines
    assert "zero_width in de: scores are equal in 0.0 % of 1 pairs, 100 % are asked for" in lines
    assert "empty in de: no pair of 1 was scored" in lines
    assert all(" in de: " in line for line in lines)
    assert not any(line.startswith(("digits", "other_reference")) for line in lines)
    assert {line for line in result.failures() if " in de: " in line} == {*lines}
    assert any(" in en: " in line for line in result.failures())
    assert {line.split(" in ")[0] for line in result.failures(min_wrong=0, min_hollow=0)} == {"empty", "zero_width"}


def test_numbers_are_finite():
    result = audit(fixed(), Length())
    nested = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert nested.keys() == ATTACKS.keys()
    assert nested["filler"]["kind"] == "hollow"
    assert nested["filler"]["languages"].keys() == languages().keys()
    assert nested["english_reference"]["languages"]["en"]["not_built"] == ["4 × English is the language asked for"]
    assert all(entry["languages"].keys() == languages().keys() for entry in nested.values())


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        (lambda texts: [math.nan] * len(texts), "nan on `pears` in `en`"),
        (lambda texts: [math.inf] * len(texts), "inf on `pears` in `en`"),
        (lambda texts: [1.0] * (len(texts) - 1), r"\d+ scores for \d+ responses"),
    ],
)
def test_a_reward_that_breaks_its_contract_is_named(scores, told):
    def broken(completions, **_):
        return scores(completions)

    with pytest.raises(PipelineError, match=f"broken: {told}"):
        audit(PAIR, broken)


def test_nothing_to_attack_is_an_error():
    with pytest.raises(PipelineError, match="no honest responses"):
        audit([], Length())


def printed(monkeypatch, result):
    console = Console(width=120, record=True, file=None, highlight=False, quiet=False)
    monkeypatch.setattr(tables, "console", console)
    monkeypatch.setattr(progress, "console", console)
    print_audit(result)
    return console.export_text().splitlines()


def test_eleven_languages_fit_120_columns_and_the_worst_is_named(monkeypatch, capsys):
    result = audit(built_in()[:33], AnswerReward())
    lines = printed(monkeypatch, result)
    assert "filler" in capsys.readouterr().out
    assert max(map(len, lines)) <= 120
    assert not any("…" in line for line in lines)
    heads = [line.split() for line in lines if line.split()[:1] == ["attack"]]
    assert heads == [["attack", *result.languages, "worst"]] * 2
    shares, margins = ([line.split() for line in lines if line.split()[:1] == [name]] for name in ("filler", "empty"))
    assert shares[0] == ["filler", *["0"] * 11, result.languages[0], "0"]
    assert margins[1] == ["empty", *["+1.00"] * 11, result.languages[0], "+1.00"]
    [reference] = [line.split() for line in lines if line.startswith(" english_reference ")][:1]
    assert reference[1:12].count("–") == 1
    assert "english_reference left out: 3 × English is the language asked for" in lines


def test_more_languages_are_shown_in_several_tables():
    result = audit(fixed(), Length())
    for shown in (share_tables(result), margin_tables(result)):
        assert [len(table.columns) for table in shown] == [13, 13]
