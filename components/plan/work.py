"""What each stage has to do, in tokens, from the parameters alone. Responses count as long as they may be."""

from dataclasses import dataclass, replace

from components.params import Params

_OF_AN_ARM = ("train: rollouts", "train: learning", "train: validation")
_NUM_SYSTEMS = 3
"""That `evaluate` asks: base, warmed up, trained."""


@dataclass(frozen=True)
class Work:
    """A stage's share; all counts are upper bounds."""

    stage: str
    num_sampled: int
    """Responses."""
    max_tokens: int
    """Of each."""
    num_learned: int
    """Tokens of prompts and responses that gradients are taken of."""
    rows_together: int
    """Responses decoded in one batch."""
    learns_whole_vocabulary: bool = False
    """Supervised: of RL's tokens only the words that they were drawn from are looked at."""
    num_processes: int = 1
    """That share it."""
    is_recomputed: bool = False
    """Layers, for the backward pass."""


def stage_work(params: Params, prompt_tokens: int) -> list[Work]:
    """The stages that a model works in, in order.

    Args:
        prompt_tokens: Of a question alone; worked examples are computed once a batch and are not counted.
    """
    problems, sampling, train = params.problems, params.sampling, params.train
    num_trained, num_languages = len(params.base.trained_languages), len(params.base.languages)
    asked = problems.num_train * params.reference.num_rounds + problems.num_calibration + problems.num_validation
    rollouts = train.steps * train.prompts_per_step * train.group_size
    if train.method == "raft":
        rollouts *= train.raft_rounds
    lessons = train.warmup_steps * train.warmup_batch_size
    checks = 1 + -(-train.steps // train.validate_every)
    by_reinforcement = 0 if train.method == "sft" else rollouts
    supervised = train.method in ("sft", "raft")
    step = train.lessons_per_step if supervised else train.prompts_per_step * train.group_size
    taught = train.steps * step
    # a prompt is computed once for its group, unless layers are computed again
    prompts = taught if supervised or train.activation_checkpointing else train.steps * train.prompts_per_step
    warmed_up = lessons * (prompt_tokens + params.reference.max_new_tokens)
    learned = train.epochs * (prompts * prompt_tokens + taught * sampling.max_new_tokens)
    greedy = checks * problems.num_validation * num_trained
    recomputed = train.activation_checkpointing
    longest, size = sampling.max_new_tokens, sampling.batch_size
    together = size if train.method == "raft" else min(size, step)
    calibrated = params.calibrate.num_problems * params.calibrate.num_samples * num_languages
    audited = params.audit.num_problems * params.audit.num_samples * num_languages
    return [
        Work("reference", asked * params.reference.num_samples, params.reference.max_new_tokens, 0, size),
        Work("calibrate", calibrated, longest, 0, size),
        Work("train: warm-up", 0, 0, warmed_up, size, True, train.num_processes, recomputed),
        Work("train: rollouts", by_reinforcement, longest, 0, together, False, train.num_processes),
        Work("train: learning", 0, 0, learned, step, supervised, train.num_processes, recomputed),
        Work("train: validation", greedy, longest, 0, size, False, train.num_processes),
        Work("audit", audited, longest, 0, size),
        Work(
            "evaluate", _NUM_SYSTEMS * problems.num_test * num_languages, params.evaluate.max_new_tokens, 0,
            params.evaluate.batch_size,
        ),
    ]  # fmt: skip


def comparison_work(params: Params, prompt_tokens: int) -> list[Work]:
    """What `make compare` does after `calibrate`: the base's test, and of each seed the warm-up, every learning rate of
    every arm, and a test of each. Budgets in tokens end trainings earlier.
    """
    stages = {work.stage: work for work in stage_work(params, prompt_tokens)}
    test = replace(stages["evaluate"], num_sampled=stages["evaluate"].num_sampled // _NUM_SYSTEMS)
    a_seed = [stages["train: warm-up"], test]
    for arm in params.compare.run:
        for values in params.compare.trials(arm):
            own = stage_work(params.with_values(values), prompt_tokens)
            a_seed += [work for work in own if work.stage in _OF_AN_ARM]
        a_seed.append(test)
    return [test, *a_seed * len(params.compare.seeds)]
