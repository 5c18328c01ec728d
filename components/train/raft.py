"""Reward-ranked fine-tuning in one round (RAFT, Dong et al. 2023, arXiv 2304.06767): sample, score, keep, learn.

The warmed-up policy answers RL's prompts; what the reward finds good becomes lessons, each different response once, so
that a prompt whose rollouts are all alike weighs no more than one that is seldom solved. The bound on the reward, the
distinctness and the one round are ours; docs/LOG.md has what was measured.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from pydantic import BaseModel, ConfigDict

from components.arithmetic.equations import false_equation
from components.contracts import PipelineError, Question
from components.generation.responder import Responder, seed_piece
from components.generation.sampler import Decoding
from components.journal import Journal
from components.params import Params
from components.progress import Progress
from components.reward.functions import LanguageReward, Scores
from components.train.data import Pairs, in_drawn_order, reward_columns
from components.train.live import Sums, add_responses
from components.train.supervised import Lesson

Log = Callable[[dict[str, float], int], None]
Score = Callable[..., Scores]
"""A reward; what it gives must not hang on the batches before."""
_SEPARATED = re.compile(r"[0-9][.,][0-9]")


class Rollout(BaseModel):
    """A response that was sampled, and its reward, None where it could not be scored or the score is not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    num_tokens: int
    truncated: bool
    reward: float | None
    language_share: float | None
    """Of its words in the prompt's language."""

    @property
    def miscalculates(self) -> bool:
        """Whether it states a false equation; unknown, so False, of a text with `1.200`, which languages read apart."""
        return not _SEPARATED.search(self.text) and false_equation(self.text) is not None


@dataclass(frozen=True)
class Round:
    """What was sampled, and what of it is learned."""

    questions: Sequence[Question]
    groups: Sequence[Sequence[Rollout]]
    """Of each question."""
    min_reward: float | None
    group_size: int
    """Rollouts of a question and round."""

    @property
    def lessons(self) -> list[Lesson]:
        """Each question with its good responses."""
        pairs = zip(self.questions, self.groups, strict=True)
        return [(question, text) for question, group in pairs for text in good(group, self.min_reward)]

    @property
    def num_tokens(self) -> int:
        """Sampled."""
        return sum(rollout.num_tokens for group in self.groups for rollout in group)

    def metrics(self) -> dict[str, float | None]:
        """Of metrics/train.json."""
        rollouts = [rollout for group in self.groups for rollout in group]
        own = [rollout for group in self.groups for rollout in group[: self.group_size]]  # later rounds may show hints
        known = [rollout.reward for rollout in own if rollout.reward is not None]
        return {
            "num_rollouts": len(rollouts),
            "num_rollouts_first_round": len(own),
            "num_lessons": len(self.lessons),
            "num_false_equations": sum(rollout.miscalculates for rollout in rollouts),
            "rollouts_reward": sum(known) / len(known) if known else None,
            "truncated_share": sum(rollout.truncated for rollout in own) / len(own),
            "tokens_sampled": self.num_tokens,
        }


def good(group: Sequence[Rollout], min_reward: float | None) -> list[str]:
    """The different responses, ended by themselves, whose reward is not under `min_reward` (None: the group's mean).

    A false equation is no good response either, whatever its answer: it would be learned with it.
    """
    known = [rollout.reward for rollout in group if rollout.reward is not None]
    if not known:
        return []
    bar = sum(known) / len(known) - 1e-6 if min_reward is None else min_reward  # all alike: rounding must not lose them
    kept = [r for r in group if r.reward is not None and r.reward >= bar and not r.truncated and not r.miscalculates]
    return list(dict.fromkeys(r.text for r in kept))


def sample_round(
    params: Params,
    pairs: Pairs,
    english: Mapping[str, Question],
    responder: Responder,
    reward: Score,
    journal: Journal,
    log: Log,
) -> Round:
    """`steps` × `prompts_per_step` prompts, `group_size` rollouts each; a batch that is done stays done.

    In each of the `raft_rounds` after the first, those of the prompts that have no good rollout yet are asked again;
    with `raft_hints` the prompt then shows the problem in English with the reference. The hint is no part of a lesson.

    Args:
        pairs: Questions with their references, at least one; where they are fewer than prompts, all are asked once.
        english: Each problem's question in English, by `problem_id`.
        log: Given the metrics by language of each batch, and its number.

    Raises:
        PipelineError: No rollout is good enough to be learned from.
    """
    train = params.train
    asked = in_drawn_order(pairs, train.prompt_order, train.seed)[: train.steps * train.prompts_per_step]
    size = max(1, params.sampling.batch_size // train.group_size)
    groups: list[list[Rollout]] = [[] for _ in asked]
    number = 0
    for again in range(train.raft_rounds):
        left = [i for i, group in enumerate(groups) if not good(group, train.raft_min_reward)]
        label = f"train: rollouts, round {again + 1}" if again else "train: rollouts"
        with Progress(label, len(left) * train.group_size) as progress:
            for start in range(0, len(left), size):
                places, key = left[start : start + size], f"rollouts-{number:04d}"
                own = [asked[i] for i in places]
                hints = [(english[q.problem_id].asked, r.text or "") for q, r in own]
                prompts = _prompts(responder, own, hints if again and train.raft_hints else None)
                rollouts = journal.piece(key, Rollout, partial(_sampled, params, own, prompts, responder, reward, key))
                log(_told([q.lang for q, _ in own], rollouts, train.group_size), number)
                for position, i in enumerate(places):
                    groups[i] += rollouts[position * train.group_size : (position + 1) * train.group_size]
                progress.advance(len(rollouts))
                number += 1
    found = Round([question for question, _ in asked], groups, train.raft_min_reward, train.group_size)
    if not found.lessons:
        least = train.raft_min_reward
        lacking, advice = "was scored", "raise `sampling.max_new_tokens`"
        if least is not None:
            lacking, advice = f"has a reward of `train.raft_min_reward` ({least:g})", "lower it"
        raise PipelineError(
            f"none of {sum(map(len, groups))} rollouts ended by itself and {lacking}; {advice}, or take easier problems"
        )
    return found


def _prompts(responder: Responder, pairs: Pairs, hints: Sequence[tuple[str, str]] | None) -> list[list[int]]:
    given: Sequence[tuple[str, str] | None] = hints or [None] * len(pairs)
    asked = zip(pairs, given, strict=True)
    return [responder.prompt_format.prompt_ids(q.asked, q.lang, hint) for (q, _), hint in asked]


def _sampled(
    params: Params, pairs: Pairs, prompts: Sequence[list[int]], responder: Responder, reward: Score, key: str
) -> list[Rollout]:
    train, sampling = params.train, params.sampling
    seed_piece(train.seed, key)
    decoding = Decoding(sampling.max_new_tokens, sampling.temperature, sampling.top_k)
    groups = responder.respond_to_prompts(prompts, decoding, train.group_size)
    responses = [response for group in groups for response in group]
    repeated = [pair for pair in pairs for _ in range(train.group_size)]
    texts, columns = [response.text for response in responses], reward_columns(repeated)
    scores = reward(completions=texts, **columns)
    shares = LanguageReward()(texts, columns["lang"], columns["question"])
    return [
        Rollout(
            text=response.text,
            num_tokens=response.num_tokens,
            truncated=response.truncated,
            reward=None if score is None or not math.isfinite(score) else score,
            language_share=share,
        )
        for response, score, share in zip(responses, scores, shares, strict=True)
    ]


def _told(langs: Sequence[str], rollouts: Sequence[Rollout], group_size: int) -> dict[str, float]:
    sums = Sums()
    rewards = torch.tensor([float("nan") if r.reward is None else r.reward for r in rollouts])
    repeated = [lang for lang in langs for _ in range(group_size)]
    lengths, cut = [r.num_tokens for r in rollouts], [r.truncated for r in rollouts]
    add_responses(sums, repeated, rewards, lengths, cut, [r.language_share for r in rollouts], group_size)
    return {f"raft/{name}": value for name, value in sums.values().items()}
