"""The translation reward through a real server on this machine, its metrics against their formulas and on NTREX-128."""

import math
from collections import Counter
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contracts import PipelineError
from components.offline.score import explain
from components.reward import translation
from components.reward.translation import TranslationReward, bleu, chrf
from components.translation import LazyTranslator, load_translator
from tests.pickled import pickled
from tests.problems.test_sources import DATA
from tests.server.local import completion, serving

ENGLISH = {"Hay 5 gatos.": "There are 5 cats.", "Es gibt 5 Katzen.": "There are five cats.", "nada": ""}


@pytest.fixture
def server(monkeypatch):
    """Knows `ENGLISH`; says of any other text that it is one."""

    def answer(asked):
        text = asked.question.rsplit("\n\n", 1)[1]
        return completion(ENGLISH.get(text, f"the text {text}"))

    with serving(answer) as running:
        monkeypatch.setenv("PBRLSVR_SERVER_URL", running.url)
        yield running


class Letters:
    """An encoder: unit vectors of how often each of 26 letters occurs."""

    def encode(self, texts):
        counts = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts], dtype=np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def reward(metric="chrf"):
    lazy = LazyTranslator(partial(load_translator, "server:m"))
    return TranslationReward(lazy, metric, Letters() if metric == "embedding" else None)


COLUMNS = {
    "completions": ["Hay 5 gatos.", "Es gibt 5 Katzen.", "There are 5 cats.", " ", "nada", "Hay 5 gatos.", "Hay", ""],
    "lang": ["es", "de", "en", "es", "es", "es", "es", "es"],
    "reference_text": ["There are 5 cats."] * 5 + [None, " ", None],
}


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("metric", ["chrf", "bleu", "embedding"])
def test_a_response_is_judged_by_its_english(metric):
    scores = reward(metric)(prompts=["p"] * 8, trainer_state=object(), **COLUMNS)
    same, other, english, empty, *unscored = scores
    assert (same, english) == (pytest.approx(1, abs=1e-6), pytest.approx(1, abs=1e-6))
    wanted = {
        "chrf": chrf("There are five cats.", "There are 5 cats."),
        "bleu": bleu("There are five cats.", "There are 5 cats."),
        "embedding": float(np.prod(Letters().encode(["There are five cats.", "There are 5 cats."]), axis=0).sum()),
    }[metric]
    assert other == pytest.approx(wanted, abs=1e-6)
    assert 0 < other < 1
    assert empty == 0.0
    assert unscored == [None] * 4


@pytest.mark.usefixtures("server")
def test_what_cannot_be_scored_says_why():
    texts, langs, references = COLUMNS.values()
    reasons = [reason for _, reason in reward().score(texts, langs, references)]
    assert reasons == [None] * 4 + ["no translation: empty"] + ["no reference"] * 3
    assert [why for _, _, why in explain(reward(), COLUMNS)] == reasons, "and `pb-rlsvr score` passes it on"


@pytest.mark.usefixtures("server")
def test_a_thought_is_not_judged():
    thought = [{"role": "assistant", "content": "<think>Hm, 6?</think>Hay 5 gatos."}]
    assert reward()(completions=[thought], lang=["es"], reference_text=["There are 5 cats."]) == [1.0]


def test_each_text_is_translated_once_while_it_is_remembered(server, monkeypatch):
    def asked():
        found = [request.question.rsplit("\n\n", 1)[1] for request in server.log]
        server.log.clear()
        return sorted(found)

    scorer = reward()
    columns = {"completions": ["a", "b", "a", "c"], "lang": ["es", "es", "es", "de"], "reference_text": ["x"] * 4}
    first = scorer(**columns)
    assert asked() == ["a", "b", "c"]
    assert scorer(**columns) == first
    assert asked() == []
    scorer(completions=["a"], lang=["de"], reference_text=["x"])  # another language
    assert asked() == ["a"]
    monkeypatch.setattr(translation, "_MAX_REMEMBERED", 2)
    scorer(completions=["b", "c", "d"], lang=["es", "de", "es"], reference_text=["x"] * 3)  # more than are remembered
    assert asked() == ["d"]
    scorer(completions=["d", "c", "b"], lang=["es", "de", "es"], reference_text=["x"] * 3)
    assert asked() == ["b"]
    assert len(scorer._memory) == 2


def test_english_and_what_has_no_reference_load_no_translator(monkeypatch):
    monkeypatch.delenv("PBRLSVR_SERVER_URL", raising=False)
    scorer = reward()
    assert scorer(completions=["Hi", "Hola"], lang=["en", "es"], reference_text=["Hi", None]) == [1.0, None]
    with pytest.raises(PipelineError, match="PBRLSVR_SERVER_URL"):
        scorer(completions=["Hola"], lang=["es"], reference_text=["Hi"])


def test_pickling_keeps_the_scores_and_no_translation(server):
    scorer = reward()
    expected = scorer(**COLUMNS)
    copy, _ = pickled(scorer)
    assert copy.__name__ == "translation"
    server.log.clear()
    assert copy(**COLUMNS) == expected
    assert len(server.log) == 3


def test_an_embedding_needs_an_encoder():
    with pytest.raises(PipelineError, match="encoder"):
        TranslationReward(LazyTranslator(partial(load_translator, "server:m")), "embedding")


def chrf_by_hand(hypothesis, reference, beta=2):
    """Mean precision and recall of the orders that both sides have, then F."""
    hypothesis, reference = ("".join(text.split()) for text in (hypothesis, reference))
    precisions, recalls = [], []
    for n in range(1, 7):
        own, wanted = (Counter(t[i : i + n] for i in range(len(t) - n + 1)) for t in (hypothesis, reference))
        if own and wanted:
            precisions.append((own & wanted).total() / own.total())
            recalls.append((own & wanted).total() / wanted.total())
    precision, recall = (sum(x) / len(x) if x else 0.0 for x in (precisions, recalls))
    both = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / both if both else 0.0


def bleu_by_hand(hypothesis, reference):
    """Of texts of small words: geometric mean over the orders it has, zero counts halved and halved again."""
    own, wanted = hypothesis.split(), reference.split()
    logs, smooth = [], 1
    for n in range(1, min(4, len(own)) + 1):
        grams, others = (Counter(tuple(t[i : i + n]) for i in range(len(t) - n + 1)) for t in (own, wanted))
        found = (grams & others).total()
        if n == 1 and not found:
            return 0.0
        if not found:
            smooth *= 2
        logs.append(math.log((found or 1 / smooth) / grams.total()))
    return math.exp(min(0, 1 - len(wanted) / len(own)) + sum(logs) / len(logs))


@given(st.text("ab 1.é", max_size=30), st.text("ab 1.é", max_size=30))
def test_chrf_is_its_formula(hypothesis, reference):
    assert chrf(hypothesis, reference) == pytest.approx(chrf_by_hand(hypothesis, reference), abs=1e-9)


WORDS = st.lists(st.sampled_from(["aa", "bb", "cc"]), min_size=1, max_size=9).map(" ".join)


@given(WORDS, WORDS)
def test_bleu_is_its_formula(hypothesis, reference):
    assert bleu(hypothesis, reference) == pytest.approx(bleu_by_hand(hypothesis, reference), abs=1e-9)
    assert bleu(reference, reference) == pytest.approx(1)


@pytest.mark.skipif(not (DATA / "ntrex-128").is_dir(), reason="../shared/data/ntrex-128 is not here")
def test_metrics_tell_ntrexs_sentences_apart():
    lines = (DATA / "ntrex-128" / "newstest2019-src.eng.txt").read_text(encoding="utf-8").splitlines()[:200]
    for metric, least_gap in ((chrf, 0.6), (bleu, 0.8)):
        same = [metric(line, line) for line in lines]
        other = [metric(line, next_line) for line, next_line in pairwise(lines)]
        assert min(same) == pytest.approx(1)
        assert np.mean(other) < 1 - least_gap
        assert max(other) < 0.6
