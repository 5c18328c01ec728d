"""m(T(y), y*): the response's translation into English against the English reference, by a metric of translations.

Reconstruction of the translation reward of arXiv 2509.25543 (which metric it takes could not be read). chrF (Popović
2015) and BLEU (Papineni et al. 2002) as sacrebleu has them. Under TRL's contract, as in `functions`.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from components.contracts import PipelineError
from components.reward.functions import Scores
from components.reward.texts import Completion, judged, visible
from components.translation import Translation, Translator

Metric = Literal["chrf", "bleu", "embedding"]
Score = tuple[float | None, str | None]
"""A score, and why there is none where it is None."""

_MAX_REMEMBERED = 10_000  # translations


class TextEncoder(Protocol):
    """What `embedding` asks of an encoder; `components.encoding.Encoder` is one."""

    def encode(self, texts: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """Unit vectors (N, D) float32."""


def chrf(hypothesis: str, reference: str) -> float:
    """chrF of one sentence or text, 0 to 1: F2 of its character 1- to 6-grams, spaces left out.

    Source: Popović 2015, through sacrebleu with its defaults (chrF2, no word n-grams, no smoothing).
    """
    return float(CHRF().sentence_score(hypothesis, [reference]).score) / 100


def bleu(hypothesis: str, reference: str) -> float:
    """BLEU of one sentence or text, 0 to 1, of no higher n-grams than the text has.

    Source: Papineni et al. 2002, through sacrebleu (13a tokens, exponential smoothing, effective order).
    """
    return min(1.0, float(BLEU(effective_order=True).sentence_score(hypothesis, [reference]).score) / 100)


class TranslationReward:
    """m(T(y), y*), T into English. Values 0 to 1; picklable where translator and encoder are."""

    __name__ = "translation"

    def __init__(self, translator: Translator, metric: Metric, encoder: TextEncoder | None = None) -> None:
        """`translator`: a `LazyTranslator` where it holds a model. `encoder`: for the metric `embedding`.

        Raises:
            PipelineError: The metric is `embedding`, and there is no encoder.
        """
        if metric == "embedding" and encoder is None:
            raise PipelineError("reward `translation`: the metric `embedding` needs an encoder; set `reward.encoder`")
        self.translator, self.metric, self.encoder = translator, metric, encoder
        self._memory: OrderedDict[tuple[str, str], Translation] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_memory": OrderedDict()}

    def __call__(
        self,
        completions: Sequence[Completion],
        lang: Sequence[str],
        reference_text: Sequence[str | None],
        **_: Any,  # noqa: ANN401
    ) -> Scores:
        """None where there is no reference or no translation; 0 for an empty response."""
        return [value for value, _ in self.explain(completions, lang, reference_text)]

    def explain(
        self, completions: Sequence[Completion], lang: Sequence[str], reference_text: Sequence[str | None]
    ) -> list[Score]:
        """As a call; None comes with its reason."""
        texts = [judged(visible(completion)) for completion in completions]
        references = [judged(visible(text)) if text else None for text in reference_text]
        return self.score(texts, lang, references)

    def score(self, texts: Sequence[str], langs: Sequence[str], references: Sequence[str | None]) -> list[Score]:
        """The score of each text in its language against its English reference; None comes with its reason.

        Raises:
            PipelineError: See `Translator.translate`.
        """
        rows = [(*row, (wanted or "").strip()) for *row, wanted in zip(texts, langs, references, strict=True)]
        english = self.translate([(text, lang) for text, lang, reference in rows if text.strip() and reference])
        found: list[Score] = [(None, "no reference") if not reference else (0.0, None) for _, _, reference in rows]
        pairs: dict[int, tuple[str, str]] = {}
        for index, (text, lang, reference) in enumerate(rows):
            if not reference or not text.strip():
                continue
            translation = english[text, lang]
            if translation.text is None:
                found[index] = None, f"no translation: {translation.reason}"
            else:
                pairs[index] = translation.text, reference
        for index, value in zip(pairs, self._compare(list(pairs.values())), strict=True):
            found[index] = value, None
        return found

    def translate(self, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Translation]:
        """The English of each (text, language); English stays. Each is translated once, while it is remembered."""
        found = {key: Translation(text=key[0]) for key in asked if key[1] == "en"}
        found |= {key: self._memory[key] for key in asked if key in self._memory}
        missing = [key for key in dict.fromkeys(asked) if key not in found]
        for lang in sorted({lang for _, lang in missing}):
            keys = [key for key in missing if key[1] == lang]
            done = self.translator.translate([text for text, _ in keys], target="en", source=lang)
            found |= zip(keys, done, strict=True)
        self._remember({key: translation for key, translation in found.items() if key[1] != "en"})
        return found

    def _remember(self, found: dict[tuple[str, str], Translation]) -> None:
        """The latest `_MAX_REMEMBERED`, those used longest ago forgotten first."""
        for key, translation in found.items():
            self._memory[key] = translation
            self._memory.move_to_end(key)
        while len(self._memory) > _MAX_REMEMBERED:
            self._memory.popitem(last=False)

    def _compare(self, pairs: list[tuple[str, str]]) -> list[float]:
        """The metric of each (translation, reference)."""
        if self.encoder is None or self.metric != "embedding":
            score = {"chrf": chrf, "bleu": bleu}[self.metric]
            return [score(hypothesis, reference) for hypothesis, reference in pairs]
        if not pairs:
            return []
        hypotheses, references = (self.encoder.encode(texts) for texts in zip(*pairs, strict=True))  # (N, D) each
        return [max(0.0, float(cosine)) for cosine in np.einsum("nd,nd->n", hypotheses, references)]
