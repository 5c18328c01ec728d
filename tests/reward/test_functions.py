"""The rewards against golden cases (functions.json), TRL's contract, and real encoders."""

import inspect
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import BertConfig, BertModel

from components.contracts import PipelineError
from components.params import RewardParams
from components.reward.encoders import PACKAGED_ENCODER, Encoder
from components.reward.functions import AnswerReward, EmbeddingReward, HybridReward, LanguageReward
from tests.tiny import tiny_tokenizer

GOLDEN = json.loads(Path(__file__).with_name("functions.json").read_text(encoding="utf-8"))
CASES = GOLDEN["cases"]
NAMES = ("answer", "embedding", "language", "hybrid")


class StubModel:
    """The vectors of functions.json; remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def encode(self, texts, **_):
        self.asked += texts
        return np.array([GOLDEN["vectors"][text] for text in texts], dtype=np.float32)


def stub_encoder():
    encoder = Encoder("stub")
    encoder.__dict__["_model"] = StubModel()
    return encoder


def rewards(encoder):
    return {
        "answer": AnswerReward(),
        "embedding": EmbeddingReward(encoder),
        "language": LanguageReward(),
        "hybrid": HybridReward(encoder, 0.7, 0.3, 0.5),
    }


def columns(cases):
    names = {"completions": "completion"}
    names |= {k: k for k in ("lang", "reference_answer", "reference_text", "choices")}
    return {column: [case[key] for case in cases] for column, key in names.items()} | {"question": [""] * len(cases)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_golden_case(name, case):
    (score,) = rewards(stub_encoder())[name](**columns([case]))
    assert score == (None if case[name] is None else pytest.approx(case[name], abs=1e-6))


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_scored_row_by_row_under_trls_contract(name):
    """TRL passes prompts, ids, every data set column, its state and two functions besides, all by keyword."""
    reward = rewards(stub_encoder())[name]
    scores = reward(
        prompts=["p"] * len(CASES), completion_ids=[[1]] * len(CASES), trainer_state=object(), log_extra=print,
        log_metric=print, other_column=[0] * len(CASES), **columns(CASES),
    )  # fmt: skip
    assert [type(score) for score in scores] == [type(case[name]) for case in CASES]
    assert scores == [score for case in CASES for score in reward(**columns([case]))]
    assert reward.__name__ == name, "TRL names the reward's metrics by this"
    assert not inspect.iscoroutinefunction(reward)


@pytest.mark.parametrize("name", NAMES)
def test_pickling_keeps_the_scores_and_leaves_the_model_behind(name):
    reward = rewards(stub_encoder())[name]
    expected = reward(**columns(CASES))
    copy = pickle.loads(pickle.dumps(reward))  # noqa: S301 - our own bytes
    assert copy.__name__ == name
    if name in ("embedding", "hybrid"):
        encoder = (copy if name == "embedding" else copy.embedding).encoder
        assert (encoder.name, encoder._memory, "_model" in vars(encoder)) == ("stub", {}, False)
        encoder.__dict__["_model"] = StubModel()
    assert copy(**columns(CASES)) == expected


@given(
    st.none() | st.floats(0, 1), st.none() | st.floats(0, 1), st.none() | st.floats(0, 1),
    st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_the_hybrid_is_its_formula(answer, embedding, language, weight, minimum):
    score = HybridReward(stub_encoder(), weight, 1 - weight, minimum).combine(answer, embedding, language)
    if answer is None and embedding is None:
        assert score is None
        return
    inside = (language if language is not None else 0) >= minimum
    if answer is None or embedding is None:  # one part stands alone, at full weight
        parts = embedding if answer is None else answer
    else:
        parts = weight * answer + (1 - weight) * embedding
    assert score == pytest.approx(parts if inside else 0)
    assert 0 <= score <= 1 + 1e-9


def test_the_hybrid_takes_its_values_from_the_parameters():
    params = RewardParams(encoder="./mine", answer_weight=0.6, semantic_weight=0.4, min_language_share=0.2)
    reward = HybridReward.from_params(params)
    assert reward.embedding.encoder.name == "./mine"
    assert (reward.answer_weight, reward.semantic_weight, reward.min_language_share) == (0.6, 0.4, 0.2)


def test_identical_texts_are_encoded_once():
    encoder = stub_encoder()
    reward = EmbeddingReward(encoder)
    first, second = reward(**columns(CASES)), reward(**columns(CASES * 3))
    assert second == first * 3
    asked = encoder._model.asked
    assert sorted(asked) == sorted(set(asked))
    assert set(asked) == {case["completion"] for case in CASES if case["completion"].strip()} | {
        case["reference_text"] for case in CASES if case["reference_text"]
    }


def test_nothing_to_embed_loads_no_encoder():
    reward = EmbeddingReward(Encoder("/nowhere"))
    assert reward(completions=["", " "], reference_text=[None, None]) == [None, None]


def tiny_encoder(folder: Path) -> str:
    config = BertConfig(
        vocab_size=261, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    tiny_tokenizer().save_pretrained(folder / "bert")
    words = Transformer(str(folder / "bert"))
    SentenceTransformer(modules=[words, Pooling(words.get_embedding_dimension())], device="cpu").save(
        str(folder / "encoder")
    )
    return str(folder / "encoder")


def test_a_folder_of_ones_own_is_an_encoder(tmp_path):
    encoder = Encoder(tiny_encoder(tmp_path))
    vectors = encoder.encode(["uno", "dos", "uno"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert vectors.shape == (3, 32)
    assert encoder.languages is None
    same, other = EmbeddingReward(encoder)(completions=["uno", "dos"], reference_text=["uno", "uno"])
    assert same == pytest.approx(1, abs=1e-5)
    assert other == pytest.approx(max(0.0, float(vectors[0] @ vectors[1])), abs=1e-5)
    assert other < same


def test_the_packaged_encoder_hears_meaning_across_languages():
    encoder = Encoder(PACKAGED_ENCODER)
    reference = "Ana has 12 apples and buys 5 more. The answer is 17."
    responses = [
        "Ana tiene 12 manzanas y compra 5 más. La respuesta es 17.",
        "Ana hat 12 Äpfel und kauft 5 dazu. Die Antwort ist 17.",
        "安娜有12个苹果，又买了5个。答案是17。",
        "La película de anoche era demasiado larga.",
    ]
    *close, far = EmbeddingReward(encoder)(completions=responses, reference_text=[reference] * 4)
    assert min(close) > far + 0.2
    np.testing.assert_allclose(np.linalg.norm(encoder.encode(responses), axis=1), 1, rtol=1e-5)
    assert {"es", "de", "ru", "zh", "en", "fr", "ja", "th"} <= encoder.languages
    assert not {"sw", "bn", "te"} & encoder.languages


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all"])
def test_an_unknown_encoder_is_one_line(name, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(PipelineError) as caught:
        Encoder(name).encode(["uno"])
    assert str(caught.value).startswith(f"params.yaml: `reward.encoder`: cannot load `{name}`: ")
    assert "\n" not in str(caught.value)


def test_a_folder_without_an_encoder_and_an_unknown_hub_name_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in (str(tmp_path), "nobody/no-such-encoder"):
        with pytest.raises(PipelineError, match=r"`reward\.encoder`") as caught:
            Encoder(name).encode(["uno"])
        assert "\n" not in str(caught.value)
