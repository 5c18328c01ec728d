"""COMET against unbabel-comet's own scores (comet_oracle.json), against its formula in plain numpy, and as a reward."""

import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from transformers import XLMRobertaModel

from components.contracts import PipelineError
from components.reward.comet import CometReward, CometScorer
from components.reward.comet_net import sparsemax
from tests.pickled import pickled
from tests.reward.comet_checkpoints import (
    HPARAMS,
    MAX_POSITIONS,
    NUM_LAYERS,
    VARIANTS,
    encoder_config,
    save_checkpoint,
    tokenizer,
    weights,
)

ORACLE = json.loads(Path(__file__).with_name("comet_oracle.json").read_text(encoding="utf-8"))
COLUMNS = [[row[key] for row in ORACLE["texts"]] for key in ("src", "mt", "ref")]
LONG = [" ".join(f"{word} {i} is here, and so is another." for i in range(9)) for word in ("Eso", "That", "This")]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comet")
    return {name: save_checkpoint(folder / name, **changes) for name, changes in VARIANTS.items()}


@pytest.fixture(scope="module")
def scorers(checkpoints):
    return {name: CometScorer.load(str(folder)) for name, folder in checkpoints.items()}


@pytest.mark.parametrize("name", VARIANTS)
def test_unbabel_comets_own_scores(scorers, name):
    assert scorers[name].score(*COLUMNS) == pytest.approx(ORACLE["scores"][name], abs=2e-6)


def layer_weights(scores, transformation):
    if transformation != "sparsemax":
        return np.exp(scores) / np.exp(scores).sum()
    low, high = scores.min() - 1, scores.max()
    for _ in range(80):  # the threshold at which what is above it sums to one
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(scores - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(scores - low, 0)


def formula(hparams, source, hypothesis, reference):
    """One score, a text at a time, from the checkpoint's numbers alone."""
    state = {key: value.double().numpy() for key, value in weights(hparams).items()}
    encoder = XLMRobertaModel(encoder_config(), add_pooling_layer=False).eval()
    own = {key.removeprefix("encoder.model."): torch.tensor(value) for key, value in state.items() if "encoder." in key}
    encoder.double().load_state_dict(own, strict=False)

    def embed(text):
        ids = torch.tensor([tokenizer()(text)["input_ids"]])
        with torch.no_grad():
            layers = [layer[0].numpy() for layer in encoder(ids, output_hidden_states=True).hidden_states]  # (T, D)
        if hparams["layer"] != "mix":
            tokens = layers[hparams["layer"]]
        else:
            scores = [state[f"layerwise_attention.scalar_parameters.{i}"][0] for i in range(NUM_LAYERS + 1)]
            shares = layer_weights(np.array(scores), hparams["layer_transformation"])
            if hparams["layer_norm"]:
                layers = [(layer - layer.mean()) / np.sqrt(layer.var() + 1e-12) for layer in layers]
            tokens = state["layerwise_attention.gamma"] * sum(w * x for w, x in zip(shares, layers, strict=True))
        return tokens[0] if hparams["pool"] == "cls" else tokens.mean(0)

    s, h = embed(source), embed(hypothesis)
    if hparams["class_identifier"] == "regression_metric":
        r = embed(reference)
        x = np.concatenate([h, r, h * r, abs(h - r), h * s, abs(h - s)])
    else:
        x = np.concatenate([h, s, h * s, abs(h - s)])
    for i in range(len(hparams["hidden_sizes"])):
        x = np.tanh(state[f"estimator.ff.{3 * i}.weight"] @ x + state[f"estimator.ff.{3 * i}.bias"])
    last = 3 * len(hparams["hidden_sizes"])
    score = (state[f"estimator.ff.{last}.weight"] @ x + state[f"estimator.ff.{last}.bias"])[0]
    return 1 / (1 + np.exp(-score)) if hparams["final_activation"] else score


@pytest.mark.parametrize("name", VARIANTS)
def test_the_formula(scorers, name):
    texts = ["Hola, ¿qué tal?", "Hi there!", "Good day to you."], ["一二三。", "One, two and three", "1 2 3"]
    hparams = HPARAMS | VARIANTS[name]
    expected = [formula(hparams, *row) for row in texts]
    assert scorers[name].score(*zip(*texts, strict=True)) == pytest.approx(expected, abs=1e-5)


@given(st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=8))
def test_sparsemax_is_the_nearest_point_of_the_simplex(scores):
    found = sparsemax(torch.tensor(scores)).numpy()
    assert found.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(found, layer_weights(np.array(scores), "sparsemax"), atol=1e-5)


@pytest.mark.parametrize("name", ["layer norm", "without reference"])
def test_a_score_depends_neither_on_neighbours_nor_on_order(scorers, name):
    together = scorers[name].score(*COLUMNS)
    alone = [scorers[name].score(*([text] for text in row))[0] for row in zip(*COLUMNS, strict=True)]
    turned = scorers[name].score(*(column[::-1] * 9 for column in COLUMNS))
    assert together == pytest.approx(alone, abs=1e-5)
    assert turned == pytest.approx(together[::-1] * 9, abs=1e-5)


def test_a_long_text_is_scored_to_its_end(scorers):
    scorer = scorers["plain"]
    assert scorer.max_length == MAX_POSITIONS - 4 < len(tokenizer()(LONG[0])["input_ids"])
    (whole,) = scorer.score(*([text] for text in LONG))
    for column in range(3):  # a change in the last words changes the score
        changed = [text[:-8] + "no one's." if i == column else text for i, text in enumerate(LONG)]
        assert abs(scorer.score(*([text] for text in changed))[0] - whole) > 1e-5


def test_the_score_of_a_long_text_is_its_parts_mean_weighted_by_the_hypothesis(scorers):
    scorer = scorers["plain"]
    parts = scorer._parts(tuple(LONG))
    sizes = [len(tokenizer()(text)["input_ids"]) for _, text, _ in parts]
    scores = [formula(HPARAMS, *part) for part in parts]
    assert len(parts) > 2
    assert scorer.score(*([text] for text in LONG)) == [pytest.approx(np.average(scores, weights=sizes), abs=1e-5)]
    assert [" ".join(column) for column in zip(*parts, strict=True)] == LONG


WORDS = st.text("ab .,。\n", max_size=300)


@given(WORDS, WORDS, WORDS)
def test_parts_fit_and_leave_nothing_out(scorers, source, hypothesis, reference):
    scorer, row = scorers["plain"], (source, hypothesis, reference)
    parts = scorer._parts(row)
    assert all(len(tokenizer()(text)["input_ids"]) <= scorer.max_length for part in parts for text in part)
    for text, column in zip(row, zip(*parts, strict=True), strict=True):
        units = scorer._units(text)
        assert "".join("".join(units).split()) == "".join(text.split())
        left = list(column)
        for unit in units if len(parts) > 1 else []:  # all are there, in order; where they are few, some twice
            while unit not in left[0]:
                left.pop(0)


def test_a_short_text_beside_a_long_one_stands_for_every_part(scorers):
    parts = scorers["plain"]._parts((LONG[0], "Yes.", LONG[2]))
    assert len(parts) > 2
    assert {hypothesis for _, hypothesis, _ in parts} == {"Yes."}


def test_the_encoders_files_may_lie_in_the_checkpoints_own_folder(tmp_path, scorers):
    folder = save_checkpoint(tmp_path / "own", pretrained_model="nobody/nothing")
    encoder_config().save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    assert CometScorer.load(str(folder)).score(*COLUMNS) == scorers["plain"].score(*COLUMNS)


def test_an_encoder_without_a_tokenizer_is_refused(tmp_path):
    folder = save_checkpoint(tmp_path / "own")
    encoder_config().save_pretrained(folder)
    with pytest.raises(PipelineError, match=rf"^{folder}: encoder `{folder}`: "):
        CometScorer.load(str(folder))


def broken(folder, **changes):
    return save_checkpoint(folder / "broken", **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_identifier": "unified_metric"}, r"hparams\.yaml: `class_identifier` is `unified_metric`"),
        ({"encoder_model": "RemBERT"}, r"hparams\.yaml: `encoder_model` is `RemBERT`"),
        ({"activations": "GELU"}, r"hparams\.yaml: `activations` is `Gelu`"),
        ({"pool": None}, r"hparams\.yaml: `pool` is not there"),
        ({"pretrained_model": "/nowhere"}, r"encoder `/nowhere`"),
    ],
)
def test_another_kind_of_checkpoint_is_one_line(tmp_path, changes, message):
    with pytest.raises(PipelineError, match=message) as caught:
        CometScorer.load(str(broken(tmp_path, **changes)))
    assert "\n" not in str(caught.value)


class Harmful:
    def __reduce__(self):
        return print, ("executed",)


def test_broken_files_are_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = broken(tmp_path)
    checkpoint = folder / "checkpoints" / "model.ckpt"

    def error(name=str(folder)):
        with pytest.raises(PipelineError) as caught:
            CometScorer.load(name)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    torch.save({"state_dict": {}}, checkpoint)
    assert f"{checkpoint}: " in error()
    assert "Missing key" in error()
    checkpoint.write_bytes(pickle.dumps({"state_dict": Harmful()}, protocol=2))
    assert f"{checkpoint}: " in error()
    assert "executed" not in capsys.readouterr().out
    checkpoint.unlink()
    assert f"{checkpoint}: No such file" in error()
    (folder / "hparams.yaml").write_text(yaml.safe_dump([1]))
    assert "hparams.yaml" in error()
    (folder / "hparams.yaml").write_text("!!python/object/apply:print [executed]")
    assert "hparams.yaml" in error()
    assert "executed" not in capsys.readouterr().out
    (folder / "hparams.yaml").unlink()
    assert "hparams.yaml: No such file" in error()
    assert "no such folder: ./nowhere" in error("./nowhere")
    assert "`nobody/nothing`" in error("nobody/nothing")


@pytest.mark.parametrize(("score", "empty"), [(-0.5, -0.5), (0.5, 0.0)])
def test_an_empty_response_is_never_the_best_whatever_the_scale(score, empty):
    reward = CometReward("never loaded")
    reward.scorer = SimpleNamespace(needs_reference=True, score=lambda *_: [score])
    rows = {"question": ["q"] * 2, "reference_text": ["r"] * 2}
    assert reward(completions=["so", " "], **rows) == [score, empty]


def test_the_reward_scores_rows_and_leaves_its_model_behind(checkpoints, scorers):
    sources, texts, references = COLUMNS
    reward = CometReward(str(checkpoints["plain"]))
    columns = {"question": [*sources, "q", "q"], "reference_text": [*references, None, "r"]}
    columns |= {"prompts": ["p"] * 7, "completion_ids": [[1]] * 7, "trainer_state": object()}
    completions = [*texts, "something", " "]
    scores = reward(completions=completions, **columns)
    expected = scorers["plain"].score(*COLUMNS)
    least = min(0.0, *(score for score, text in zip(expected, texts, strict=True) if text))
    expected[texts.index("")] = least
    assert scores == [*(pytest.approx(score, abs=1e-6) for score in expected), None, pytest.approx(least)]
    assert [type(score) for score in scores] == [float] * 5 + [type(None), float]
    copy, num_bytes = pickled(reward)
    assert num_bytes < 1000
    assert copy.__name__ == "comet"
    assert copy(completions=completions, **columns) == scores


def test_without_reference_the_question_is_enough(checkpoints, scorers):
    reward = CometReward(str(checkpoints["without reference"]))
    scores = reward(completions=["Hi."], question=["Hola."], reference_text=[None])
    assert scores == scorers["without reference"].score(["Hola."], ["Hi."])
    with pytest.raises(PipelineError, match="compares with references"):
        scorers["plain"].score(["Hola."], ["Hi."])
