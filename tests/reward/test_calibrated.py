"""The calibrated hybrid: its folder, what it never does, and training with stock TRL."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.comparison.compare import Compared
from components.comparison.fit import FitSettings, fit_hybrid
from components.comparison.keep import keep
from components.contracts import ContractError, PipelineError
from components.encoding import Encoder
from components.params import load_params
from components.reward.bank import BANK
from components.reward.calibrated import SETUP, CalibratedReward, load_reward, training_reward
from components.reward.hybrid import HybridReward
from components.reward.setup import RewardSetup
from tests.comparison.made_up import scored_rows
from tests.pickled import pickled
from tests.reward.made_up import ROWS, bank, columns, packaged_encoder
from tests.tiny import tiny_llama, tiny_tokenizer

TERMS = ("answer", "steps", "numbers", "repetition")


def fitted():
    rows, right = scored_rows()
    return fit_hybrid(rows, right, TERMS, FitSettings())


def write(folder, fit):
    keep(folder, Compared([], {}, fit, {}), "half B vote" if fit else None, RewardSetup(), bank(), {"rows": "made up"})
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("calibration"), fitted())


@pytest.fixture(autouse=True)
def encoder_that_is_loaded_already(monkeypatch):
    monkeypatch.setattr(Encoder, "_model", packaged_encoder()._model)


def test_what_was_written_is_the_reward(folder):
    own, fit = load_reward(str(folder)), fitted()
    assert isinstance(own, CalibratedReward)
    assert own.__name__ == "hybrid"
    rows, _ = scored_rows()
    table = np.array([[row.terms[name] for name in TERMS] for row in rows], dtype=float)
    langs = [row.lang for row in rows]
    index = fit.weights.index(table, langs)
    scores = own.probability([row.terms for row in rows], langs)
    np.testing.assert_allclose(scores, fit.maps(index, langs), atol=1e-12)
    assert 0 <= min(scores) < max(scores) <= 1


def test_scores_of_texts_are_those_of_their_terms_gated_by_language(folder):
    own = load_reward(folder)
    terms = own.terms(**columns(ROWS))
    assert set(terms[0]) == {*TERMS, "language"}
    probability = own.probability(terms, [row["lang"] for row in ROWS])
    scores = own(**columns(ROWS))
    inside = [row["language"] >= 0.5 for row in terms]
    assert {True, False} == set(inside)
    for score, p, known in zip(scores, probability, inside, strict=True):
        assert score == pytest.approx(p if known else 0.25 * p)
    assert scores[0] > scores[1], "right before wrong"
    assert own(completions=[], lang=[], reference_text=[], reference_answer=[]) == []


def test_nothing_to_compare_is_none(folder):
    row = {"completion": "La respuesta es 12.", "lang": "es", "reference_text": None, "reference_answer": None}
    assert load_reward(folder)(**columns([row, ROWS[0]]))[0] is None


def test_copies_and_batches_change_no_score(folder):
    own = load_reward(folder)
    scores = own(**columns(ROWS))
    copy, _ = pickled(own)
    assert copy(**columns(ROWS)) == scores
    alone = [load_reward(folder)(**columns([row]))[0] for row in ROWS]
    np.testing.assert_allclose(np.array(scores, float), np.array(alone, float), atol=1e-5)


unit = st.floats(0, 1)


@pytest.fixture(scope="module")
def loaded(folder):
    return load_reward(folder)


def rewarded(own, terms, lang):
    """The scores of responses with these terms."""
    found = own.probability(terms, [lang] * len(terms))
    return [p * own.setup.gate(row) for p, row in zip(found, terms, strict=True)]


@settings(max_examples=200)
@given(data=st.data(), lang=st.sampled_from(["es", "sw", "fr"]))
def test_no_term_lowers_the_score(loaded, data, lang):
    low = {name: data.draw(unit) for name in (*TERMS, "language")}
    name = data.draw(st.sampled_from([*low]))
    high = {**low, name: data.draw(st.floats(low[name], 1))}
    before, after = rewarded(loaded, [low, high], lang)
    assert after >= before - 1e-12


def test_without_weights_it_is_the_fixed_hybrid(tmp_path):
    own = load_reward(write(tmp_path, None))
    assert isinstance(own, HybridReward)
    assert own(**columns(ROWS)) == HybridReward(RewardSetup(), packaged_encoder())(**columns(ROWS))


def test_training_takes_the_calibrated_one_where_the_parameters_say_so(folder):
    params = load_params().reward
    encoder = Encoder(params.encoder)
    calibrated = training_reward(params.model_copy(update={"calibrated": True}), encoder, folder)
    assert isinstance(calibrated, CalibratedReward)
    assert calibrated.terms.encoder is encoder, "what is told to forget is what the reward asks"
    fixed = training_reward(params.model_copy(update={"calibrated": False}), encoder, folder)
    assert isinstance(fixed, HybridReward)
    assert fixed.terms.encoder is encoder
    margin = training_reward(params.model_copy(update={"function": "margin"}), encoder, folder)
    assert margin.__name__ == "margin"


def test_training_refuses_weights_that_were_fitted_with_other_values(folder):
    params = load_params().reward.model_copy(update={"calibrated": True, "other_language_factor": 0.5})
    with pytest.raises(PipelineError) as caught:
        training_reward(params, Encoder(params.encoder), folder)
    assert str(caught.value).startswith(
        "params.yaml: `reward.calibrated`: `reward.other_language_factor` is 0.5, but 0.25 in "
    )


def damaged(folder, tmp_path, name, change):
    """A copy of the folder in which one file is changed, or gone."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    if change is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(json.dumps(change(json.loads((tmp_path / name).read_text()))))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("calibration.json", lambda _: [], "calibration.json: field `file`"),
        ("calibration.json", lambda it: it | {"num_rows": -1}, "field `num_rows`"),
        ("calibration.json", lambda it: it | {"encoder_fingerprint": "0" * 16}, "calibrate again"),
        ("calibration.json", None, "calibration.json: No such file"),
        (SETUP, lambda it: it | {"answer_weight": -1}, "field `answer_weight`"),
        (SETUP, lambda it: it | {"encodr": "x"}, "field `encodr`"),
        (SETUP, None, "reward.json: No such file"),
        (BANK, None, "bank.safetensors: not readable"),
    ],
)
def test_a_missing_or_broken_file_is_one_line(folder, tmp_path, name, change, told):
    with pytest.raises(ContractError) as caught:
        load_reward(damaged(folder, tmp_path, name, change))
    assert told in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_stock_trl_trains_with_it(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    kept = [{name: row[name] for name in ("lang", "reference_text")} for row in (ROWS[0], ROWS[2])]
    asked = {f"{row['lang']}: ?": row for row in kept}
    data = Dataset.from_list([{"prompt": prompt, **row} for prompt, row in asked.items()])
    arguments = GRPOConfig(
        output_dir=str(tmp_path), max_steps=2, per_device_train_batch_size=4, num_generations=2, beta=0.0,
        max_completion_length=12, logging_steps=1, log_completions=True, report_to="none", use_cpu=True, seed=5,
        save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = GRPOTrainer(
        model=tiny_llama(), processing_class=tiny_tokenizer(), reward_funcs=[load_reward(folder)], args=arguments,
        train_dataset=data,
    )  # fmt: skip
    trainer.train()
    logged = [entry["rewards/hybrid/mean"] for entry in trainer.state.log_history if "rewards/hybrid/mean" in entry]
    tables = [pd.read_parquet(path) for path in sorted((tmp_path / "completions").glob("*.parquet"))]
    assert len(logged) == len(tables) == 2
    own = load_reward(folder)
    for mean, table in zip(logged, tables, strict=True):
        rows = [{"completion": row.completion, **asked[row.prompt]} for row in table.itertuples()]
        scores = own(**columns(rows))
        assert len(scores) == 4
        np.testing.assert_allclose(table["hybrid"], scores, atol=1e-5)
        assert mean == pytest.approx(np.mean(scores), abs=1e-5)
