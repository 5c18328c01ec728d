"""Every reward against golden cases (functions.json) and TRL's contract; what must not change a score does not."""

import inspect
import json
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.contracts import PipelineError
from components.encoding import Encoder
from components.offline.commands import _REWARDS
from components.params import RewardName, load_params
from components.reward.build import make_reward
from components.reward.paper import AnswerChrf
from components.reward.semantic import _repeated_share
from components.reward.setup import RewardSetup
from components.reward.texts import steps, visible
from tests.pickled import pickled
from tests.reward.made_up import ROWS, bank, columns, fixed_encoder, packaged_encoder, reward

GOLDEN = json.loads(Path(__file__).with_name("functions.json").read_text(encoding="utf-8"))
NAMES = [name for name in get_args(RewardName) if name not in ("translation", "comet")]
CASES = [{**GOLDEN["columns"], **case} for case in GOLDEN["cases"]]
GOLD_ROWS = [{**row, "gold_answer": row["reference_answer"]} for row in ROWS]
INVISIBLE = [*"\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u2066\u200f\u034f\u3164\u115f\ufe0f\u180e", "\U000e0041"]


def only_columns(cases):
    kept = (*GOLDEN["columns"], "completion")
    return columns([{name: case[name] for name in kept} for case in cases]) | {"question": [""] * len(cases)}


@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(name, case, id=f"{name}: {case['why']}") for case in CASES for name in case["scores"]],
)
def test_golden_case(name, case):
    (score,) = reward(name, fixed_encoder(GOLDEN["vectors"]))(**only_columns([case]))
    wanted = case["scores"][name]
    assert score == (None if wanted is None else pytest.approx(wanted, abs=1e-6))


def test_every_reward_has_golden_cases_and_those_that_compare_have_one_of_none():
    scored = [name for name in NAMES if name != "margin"]
    assert {name for case in CASES for name in case["scores"]} == set(scored)
    unscored = {name for case in CASES for name, score in case["scores"].items() if score is None}
    assert unscored == set(scored) - {"language", "format", "repetition", "form", "random"}


def test_the_commands_names_are_the_parameters_names():
    assert get_args(RewardName) == _REWARDS


@pytest.mark.parametrize("name", NAMES)
def test_trls_contract(name):
    """TRL passes prompts, ids, every data set column, its state and two functions besides, all by keyword."""
    own = reward(name)
    scores = own(
        prompts=["p"] * len(ROWS), completion_ids=[[1]] * len(ROWS), trainer_state=object(), log_extra=print,
        log_metric=print, other_column=[0] * len(ROWS), **columns(GOLD_ROWS),
    )  # fmt: skip
    assert len(scores) == len(ROWS)
    assert {type(score) for score in scores} <= {float, type(None)}
    assert own.__name__ == name, "TRL names the reward's metrics by this"
    assert not inspect.iscoroutinefunction(own)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "gold"])
def test_answers_questions_and_choices_may_be_left_out(name):
    rows = [{key: row[key] for key in ("completion", "lang", "reference_text")} for row in ROWS]
    own = reward(name)
    assert own(**columns(rows)) == own(**columns([{**row, "reference_answer": None} for row in rows]))


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_by_pickle_scores_the_same_and_takes_no_model_along(name, monkeypatch):
    own = reward(name)
    scores = own(**columns(GOLD_ROWS))
    copy, num_bytes = pickled(own)
    if name != "hybrid":  # one copy loads its encoder again, the others are given it: that takes seconds
        monkeypatch.setattr(Encoder, "_model", packaged_encoder()._model)
    assert num_bytes < 20_000, "names, and at most a bank of a few vectors"
    assert copy.__name__ == name
    assert copy(**columns(GOLD_ROWS)) == pytest.approx(scores, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(order=st.permutations(range(len(ROWS))), size=st.integers(1, len(ROWS)))
def test_a_score_never_depends_on_its_batch(name, order, size):
    batch = [GOLD_ROWS[i] for i in order[:size]]
    together = reward(name)(**columns(batch))
    alone = [reward(name)(**columns([row]))[0] for row in batch]
    assert [score is None for score in together] == [score is None for score in alone]
    assert [s for s in together if s is not None] == pytest.approx([s for s in alone if s is not None], abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_seen_batch_changes_no_later_score(name):
    own = reward(name)
    before = own(**columns(GOLD_ROWS[:3]))
    own(**columns(GOLD_ROWS[3:]))
    assert own(**columns(GOLD_ROWS[:3])) == before


@cache
def shared():
    """Every reward, on one encoder that remembers."""
    encoder = packaged_encoder()
    return {name: make_reward(name, RewardSetup(), encoder, bank()) for name in NAMES}


@given(st.data())
def test_characters_that_nobody_sees_change_no_score(data):
    row = data.draw(st.sampled_from(GOLD_ROWS))
    text = row["completion"]
    for place, mark in data.draw(
        st.lists(st.tuples(st.integers(0, len(text)), st.sampled_from(INVISIBLE)), min_size=1)
    ):
        text = text[:place] + mark + text[place:]
    for name, own in shared().items():
        assert own(**columns([{**row, "completion": text}])) == own(**columns([row])), name


@given(st.text())
def test_visible_text_stays_as_it_is_and_what_is_stripped_stays_stripped(text):
    assert visible(visible(text)) == visible(text)
    assert visible("".join(character for character in text if character.isascii())).isascii()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1.5 + 2 = 3.5. Dann 4.", ["1.5 + 2 = 3.5.", "Dann 4."]),
        ("一共24个。答案是24。", ["一共24个。", "答案是24。"]),
        ("ক ১২।খ ৫।", ["ক ১২।", "খ ৫।"]),
        ("a\n\n b \n---\n", ["a", "b"]),
        ("...", []),
    ],
)
def test_steps_are_sentences_and_lines(text, parts):
    assert steps(text) == parts


RUN = [*range(12)]


@pytest.mark.parametrize(
    ("ids", "share"),
    [
        (RUN * 2, 12 / 24),
        (RUN[:11] * 2, 0),
        (RUN + RUN[:11], 0),
        ([*RUN, 99, *RUN], 12 / 25),
        (RUN * 3, 24 / 36),
        ([*RUN, *range(20, 40), *RUN, *range(50, 70), *RUN], 24 / 76),  # what lies between is none
        ([7] * 13, 12 / 13),
        (RUN[:11], 0),
        ([], 0),
    ],
    ids=["twice", "too short", "torn", "apart", "thrice", "far apart", "one token", "shorter than a run", "nothing"],
)
def test_a_run_of_12_tokens_that_occurred_before_is_repeated(ids, share):
    assert _repeated_share(ids) == pytest.approx(share)


def test_repetition_counts_tokens_that_occurred_before():
    own = reward("repetition")
    line = "Ana tiene doce manzanas rojas y compra cinco peras verdes en la tienda de su tío. "
    once, twice, often = own(completions=[line, line * 2, line * 10])
    assert once == 1
    assert twice == pytest.approx(0.5, abs=0.1)
    assert often == pytest.approx(0.1, abs=0.05)


def test_gold_alone_knows_what_the_reference_does_not():
    row = {"completion": "La respuesta es 12.", "lang": "es", "reference_text": None, "reference_answer": "13"}
    assert reward("answer")(**columns([row])) == [0.0]
    assert reward("gold")(**columns([{**row, "gold_answer": "12"}])) == [1.0]


def test_a_language_that_the_encoder_does_not_know_is_scored_and_warned_about_once(capsys):
    encoder = packaged_encoder()
    encoder.name = "packaged-use"
    for _ in range(2):
        assert None not in reward("embedding", encoder)(completions=["x y"], lang=["yo"], reference_text=["It is so."])
    assert capsys.readouterr().err.count("does not declare yo") == 1


unit = st.floats(0, 1)


@given(st.none() | unit, st.none() | unit, st.none() | unit, unit, unit, unit, unit, unit)
def test_the_hybrid_is_its_formula(answer, steps_, numbers, repetition, language, weight, minimum, factor):
    setup = RewardSetup(
        answer_weight=weight, semantic_weight=1 - weight, min_language_share=minimum, other_language_factor=factor
    )
    terms = {"answer": answer, "steps": steps_, "numbers": numbers, "repetition": repetition, "language": language}
    known = [value for value in (steps_, numbers) if value is not None]
    meaning = repetition * sum(known) / len(known) if known else None
    score = setup.combine(terms)
    if answer is None and meaning is None:
        assert score is None
        return
    if meaning is None or answer is None:
        value = meaning if answer is None else answer
    else:
        value = weight * answer + (1 - weight) * meaning
    assert score == pytest.approx(value * (1 if language >= minimum else factor))
    assert 0 <= score <= 1 + 1e-9


def test_hidden_answers_leave_the_meaning_alone():
    setup = RewardSetup(answers_hidden=True)
    rows = ROWS[:2]
    hidden = make_reward("hybrid", setup, packaged_encoder())(**columns(rows))
    without = [{**row, "reference_answer": None, "reference_text": row["reference_text"]} for row in rows]
    assert hidden == make_reward("hybrid", setup, packaged_encoder())(**columns(without))
    (explained, terms), _ = make_reward("hybrid", setup, packaged_encoder()).explain(**columns(rows))
    assert terms["answer"] is None
    assert explained == pytest.approx(terms["repetition"] * (terms["steps"] + terms["numbers"]) / 2)


def test_the_setup_takes_its_values_from_the_parameters():
    params = load_params().reward
    setup = RewardSetup.from_params(params)
    assert setup == RewardSetup(), "the defaults are those of the embedded pipeline"
    changed = params.model_copy(update={"encoder": "./mine", "other_language_factor": 0.1, "answers_hidden": True})
    assert RewardSetup.from_params(changed) == RewardSetup(
        encoder="./mine", other_language_factor=0.1, answers_hidden=True
    )


@pytest.mark.parametrize(
    ("name", "missing"), [("margin", "--calibration DIR"), ("translation", "--translator"), ("comet", "--comet")]
)
def test_what_a_reward_lacks_is_one_line(name, missing):
    with pytest.raises(PipelineError, match=missing) as caught:
        make_reward(name, RewardSetup(), packaged_encoder())
    assert "\n" not in str(caught.value)


def test_no_reward_loads_a_model_before_its_first_use():
    for name in NAMES:
        if name != "margin":
            make_reward(name, RewardSetup(), Encoder("/nowhere"))


def test_the_packaged_encoder_hears_meaning_across_languages():
    responses = [
        "Ana tiene 12 manzanas y compra 5 más. La respuesta es 17.",
        "Ana hat 12 Äpfel und kauft 5 dazu. Die Antwort ist 17.",
        "安娜有12个苹果，又买了5个。答案是17。",
        "La película de anoche era demasiado larga.",
    ]
    reference = ["Ana has 12 apples and buys 5 more. The answer is 17."] * 4
    for name in ("embedding", "steps"):
        *close, far = reward(name)(completions=responses, lang=["es", "de", "zh", "es"], reference_text=reference)
        assert min(close) > far + 0.2, name


def test_half_of_a_surrogate_pair_is_no_character(monkeypatch):
    monkeypatch.setattr(Encoder, "_model", packaged_encoder()._model)
    for name in NAMES:
        own = reward(name)
        row = {**GOLD_ROWS[0], "completion": GOLD_ROWS[0]["completion"][:4] + "\ud83d" + GOLD_ROWS[0]["completion"][4:]}
        assert own(**columns([row])) == pytest.approx(own(**columns([GOLD_ROWS[0]])), abs=1e-6), name


@pytest.mark.parametrize("text", ["<think>Let me see, 3 + 4 is 7 and", "<think>The answer is 7.</think>"])
@pytest.mark.parametrize("name", ["answer", "numbers", "embedding", "steps", "hybrid", "hybrid_paper", "form"])
def test_a_thought_that_nothing_follows_is_not_paid(name, text, monkeypatch):
    monkeypatch.setattr(Encoder, "_model", packaged_encoder()._model)
    row = {"completion": text, "lang": "en", "reference_text": "3 + 4 = 7. The answer is 7.", "reference_answer": "7"}
    assert reward(name)(**columns([GOLD_ROWS[0] | row])) == [0.0]


def test_the_papers_answer_may_be_a_choice():
    texts = ["La respuesta es B.", "La respuesta es A.", "No lo sé."]
    given = {"lang": ["es"] * 3, "reference_text": ["The answer is B."] * 3, "choices": [("Lima", "Quito")] * 3}
    assert AnswerChrf()(completions=texts, reference_answer=["B"] * 3, **given) == [1.0, 0.0, 0.0]
    assert AnswerChrf()(completions=texts, **given) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("name", ["answer", "hybrid_paper"])
def test_what_looks_at_answers_refuses_to_hide_them(name):
    with pytest.raises(PipelineError, match=f"reward `{name}` looks at answers"):
        make_reward(name, RewardSetup(answers_hidden=True), packaged_encoder())
