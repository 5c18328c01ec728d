"""What rewards ask of an encoder."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from components.contracts import PipelineError
from components.encoding import PACKAGED_ENCODER, Encoder, encoder
from tests.encoding.conftest import save_tiny_encoder, word_pieces
from tests.pickled import pickled

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class CountingModel:
    """A vector for each text by its hash; remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        self.asked += texts
        digests = [np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8) for text in texts]
        found = np.array(digests, dtype=np.float32).reshape(len(texts), 32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture
def counting():
    made = Encoder("counting")
    made.__dict__["_model"] = CountingModel()
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return Path(save_tiny_encoder(tmp_path_factory.mktemp("folder"), word_pieces()))


def test_identical_texts_are_encoded_once_and_rows_keep_their_order(counting):
    texts = ["b", "a", "b", "c", "a"]
    found = counting.encode(texts)
    np.testing.assert_array_equal(found, CountingModel().encode(texts))
    np.testing.assert_array_equal(counting.encode(["c", "d"]), CountingModel().encode(["c", "d"]))
    assert sorted(counting._model.asked) == ["a", "b", "c", "d"]


def test_no_texts_are_no_rows(counting):
    assert counting.encode([]).shape == (0, 32)
    assert counting.encode([]).dtype == np.float32


def test_what_is_remembered_is_bounded_and_the_least_recently_used_goes(counting, monkeypatch):
    monkeypatch.setattr(encoder, "MAX_REMEMBERED", 3)
    counting.encode(["a", "b", "c"])
    counting.encode(["a"])
    counting.encode(["d"])  # b goes
    assert len(counting._memory) == 3
    counting.encode(["a", "c", "d"])
    assert counting._model.asked == ["a", "b", "c", "d"]
    counting.encode(["b"])
    assert counting._model.asked[-1] == "b"
    many = [str(i) for i in range(50)]
    np.testing.assert_array_equal(counting.encode(many), CountingModel().encode(many))
    assert len(counting._memory) == 3
    assert all(row.base is None for row in counting._memory.values()), "a view keeps the whole batch"


def test_remembered_rows_are_the_encoders_own(counting):
    counting.encode(["a"])[:] = 0
    np.testing.assert_array_equal(counting.encode(["a"]), CountingModel().encode(["a"]))


@pytest.mark.slow
def test_what_was_encoded_before_leaves_no_trace_once_it_is_forgotten():
    used, new = Encoder(PACKAGED_ENCODER), Encoder(PACKAGED_ENCODER)
    texts = ["Ana tiene 12 manzanas y compra 5 más.", "The answer is 17.", "แอนนามีแอปเปิล 12 ผล", "安娜有12个苹果。"]
    used.encode(texts[:2])
    used.forget()
    np.testing.assert_array_equal(used.encode(texts), new.encode(texts))  # to the last bit


def test_pickling_keeps_the_name_alone(counting):
    counting.encode(["a" * 100_000])
    copy, num_bytes = pickled(counting)
    assert num_bytes < 500
    assert (copy.name, len(copy._memory), "_model" in vars(copy)) == ("counting", 0, False)


def test_a_folder_is_an_encoder(folder):
    found = Encoder(str(folder)).encode(["Ana", "12 apples", "Ana", "Ana has 12 apples. " * 20])
    assert (found.shape, found.dtype) == ((4, 32), np.float32)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(found[0], found[2])
    assert Encoder(str(folder)).encode([]).shape == (0, 32)


@pytest.mark.parametrize(
    ("head", "languages"),
    [
        ("language: es\n", {"es"}),
        ("language:\n- de\n- zh-TW\n- multilingual\n", {"de", "zh-TW"}),
        ("language: multilingual\n", None),
        ("license: mit\n", None),
        (None, None),
    ],
)
def test_languages_are_those_of_the_model_card(head, languages, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    if head is None:
        (copy / "README.md").unlink(missing_ok=True)
    else:
        (copy / "README.md").write_text(f"---\n{head}---\n# A model\n", encoding="utf-8")
    assert Encoder(str(copy)).languages == (None if languages is None else frozenset(languages))


def test_an_unreadable_model_card_is_one_line(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "README.md").write_text("---\nlanguage: [es\n---\n", encoding="utf-8")
    with pytest.raises(PipelineError, match="model card") as caught:
        _ = Encoder(str(copy)).languages
    assert "\n" not in str(caught.value)


def test_the_packaged_encoder_declares_its_languages_without_loading():
    packaged = Encoder(PACKAGED_ENCODER)
    assert {"es", "de", "ru", "zh", "en", "fr", "ja", "th"} <= packaged.languages
    assert not {"sw", "bn", "te"} & packaged.languages
    assert len(packaged.languages) == 16
    assert "_model" not in vars(packaged)


def test_the_packaged_encoder_hears_meaning_across_languages():
    reference, same, other = Encoder(PACKAGED_ENCODER).encode(
        ["Ana has 12 apples and buys 5 more.", "Ana tiene 12 manzanas y compra 5 más.", "La película era muy larga."]
    )
    assert reference @ same > reference @ other + 0.2


def test_fingerprints_follow_the_weights(folder, tmp_path):
    packaged = Encoder(PACKAGED_ENCODER).fingerprint()
    assert len(packaged) == 16
    assert int(packaged, 16) >= 0
    assert packaged == Encoder(PACKAGED_ENCODER).fingerprint()
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert Encoder(str(copy)).fingerprint() == Encoder(str(folder)).fingerprint() != packaged
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert Encoder(str(copy)).fingerprint() != Encoder(str(folder)).fingerprint()


def test_a_hub_model_is_known_by_its_commit_and_card(folder, tmp_path, monkeypatch):
    """The hub's cache as a download leaves it; nothing asks the network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    prints = []
    for commit in (COMMIT, COMMIT[::-1]):
        repository = tmp_path / "models--somebody--tiny"
        shutil.rmtree(repository, ignore_errors=True)
        snapshot = shutil.copytree(folder, repository / "snapshots" / commit)
        (snapshot / "README.md").write_text("---\nlanguage: [es, de]\n---\n", encoding="utf-8")
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(commit, encoding="utf-8")
        hub = Encoder("somebody/tiny")
        np.testing.assert_allclose(hub.encode(["Ana"]), Encoder(str(folder)).encode(["Ana"]), atol=1e-6)
        assert hub.languages == {"es", "de"}
        prints.append(hub.fingerprint())
    assert prints[0] != prints[1]


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "nobody/no-such-encoder"])
def test_an_unknown_encoder_is_one_line(name, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for use in (lambda: Encoder(name).encode(["uno"]), lambda: Encoder(name).languages, Encoder(name).fingerprint):
        with pytest.raises(PipelineError) as caught:
            use()
        assert str(caught.value).startswith(f"params.yaml: `reward.encoder`: cannot load `{name}`: ")
        assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_one_line(tmp_path):
    with pytest.raises(PipelineError, match=r"params\.yaml: `reward\.encoder`: cannot load"):
        Encoder(str(tmp_path)).encode(["uno"])
