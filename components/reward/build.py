"""Which reward a name stands for."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from components.contracts import PipelineError, read_manifest
from components.encoding import Encoder
from components.params import RewardName, load_params
from components.questions import read_questions
from components.reward.bank import ReferenceBank
from components.reward.controls import FormReward, RandomReward
from components.reward.functions import AnswerReward, FormatReward, GoldReward, LanguageReward, NumbersReward
from components.reward.hybrid import HybridReward
from components.reward.paper import AnswerChrf, HybridPaperReward
from components.reward.semantic import EmbeddingReward, MarginReward, RepetitionReward, StepsReward
from components.reward.setup import NONE, RewardSetup
from components.reward.terms import Reward, TermScorer
from components.reward.translation import TranslationReward
from components.translation import LazyTranslator, Translator, load_translator

LOCAL = "local"
"""The translator that needs no other model: the policy itself."""
SHOTS = Path("data/problems/shots.jsonl")
_TRANSLATOR = "reward.translator"


def make_reward(name: RewardName, setup: RewardSetup, encoder: Encoder, bank: ReferenceBank | None = None) -> Reward:
    """The reward `name`; models are loaded at their first use.

    Args:
        encoder: Of `setup`'s name; shared by the rewards that are to share what it remembers.
        bank: `margin` needs one.

    Raises:
        PipelineError: The setup lacks what the reward needs.
    """
    if setup.answers_hidden and name in ("answer", "hybrid_paper"):
        raise PipelineError(f"reward `{name}` looks at answers: take another one, or do not hide them")
    made: dict[RewardName, Callable[[], Reward]] = {
        "answer": AnswerReward,
        "embedding": partial(EmbeddingReward, encoder),
        "steps": partial(StepsReward, encoder),
        "margin": partial(_margin, encoder, bank),
        "numbers": NumbersReward,
        "translation": partial(_translation, setup, encoder),
        "comet": partial(_comet, setup),
        "language": LanguageReward,
        "format": FormatReward,
        "repetition": RepetitionReward,
        "hybrid": partial(HybridReward, setup, encoder),
        "hybrid_paper": partial(_hybrid_paper, setup, encoder),
        "gold": GoldReward,
        "form": partial(FormReward, setup),
        "random": RandomReward,
    }
    return made[name]()


def make_terms(
    setup: RewardSetup, encoder: Encoder, bank: ReferenceBank | None, names: Sequence[RewardName]
) -> TermScorer:
    """Several rewards that are scored together.

    Raises:
        PipelineError: The setup lacks what one of them needs.
    """
    rewards = [make_reward(name, setup, encoder, bank) for name in names]
    return TermScorer(rewards, encoder, answers_hidden=setup.answers_hidden)


def _margin(encoder: Encoder, bank: ReferenceBank | None) -> Reward:
    if bank is None:
        raise PipelineError("reward `margin` needs the bank of references that a calibration stores: --calibration DIR")
    if bank.encoder != encoder.fingerprint():
        raise PipelineError(f"reward `margin`: the bank of references was made by another encoder than {encoder.name}")
    return MarginReward(encoder, bank)


def _translation(setup: RewardSetup, encoder: Encoder) -> Reward:
    if setup.translator == NONE:
        raise PipelineError("reward `translation` needs a translator: `reward.translator`, or --translator NAME")
    return TranslationReward(load_reward_translator(setup.translator), setup.translation_metric, encoder)


def load_reward_translator(name: str) -> Translator:
    """The translator that `reward.translator` names, loaded at its first use; not `none`."""
    return LazyTranslator(_local_translator if name == LOCAL else partial(load_translator, name, _TRANSLATOR))


def _local_translator() -> Translator:
    """The pipeline's own policy, with questions of `shots` as examples: they are the same in all languages."""
    from components.translation.local import LocalTranslator  # loads torch

    entry, shots = read_manifest().policy, read_questions(SHOTS)
    english = {shot.problem_id: shot.question for shot in shots if shot.lang == "en"}
    pairs: dict[str, list[tuple[str, str]]] = {}
    for shot in shots:
        if shot.problem_id in english:
            pairs.setdefault(shot.lang, []).append((shot.question, english[shot.problem_id]))
    return LocalTranslator.load(entry, load_params().models.dtype, pairs)


def _comet(setup: RewardSetup) -> Reward:
    if setup.comet == NONE:
        raise PipelineError("reward `comet` needs a checkpoint: `reward.comet`, or --comet NAME")
    from components.reward.comet import CometReward  # loads transformers

    return CometReward(setup.comet)


def _hybrid_paper(setup: RewardSetup, encoder: Encoder) -> Reward:
    answer = AnswerChrf() if setup.comet == NONE else _comet(setup)
    return HybridPaperReward(
        answer, EmbeddingReward(encoder) if setup.translator == NONE else _translation(setup, encoder)
    )
