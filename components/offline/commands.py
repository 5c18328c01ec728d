"""`pb-rlsvr score`, `calibrate` and `audit`: rewards for anybody's rollouts."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from components.one_line import one_line_errors

if TYPE_CHECKING:
    from components.params import RewardName
    from components.reward.setup import RewardSetup

_REWARDS = (
    "answer", "embedding", "steps", "margin", "numbers", "translation", "comet", "language", "format", "repetition",
    "hybrid", "hybrid_paper", "gold", "form", "random",
)  # fmt: skip # a test compares it with components.params.RewardName, which takes too long to import for a help text

Encoder_ = Annotated[str, typer.Option("--encoder", help="packaged-use, or a sentence-transformers name or folder.")]
Translator_ = Annotated[
    str, typer.Option("--translator", help="Into English: server:NAME, a seq2seq or CTranslate2 folder, a hub name.")
]
Comet_ = Annotated[str, typer.Option("--comet", help="Folder or name of a COMET checkpoint.")]
Hidden_ = Annotated[bool, typer.Option("--hide-answers", help="As if no reference had an answer to check.")]
References_ = Annotated[Path, typer.Option("--references", help="JSONL with `problem_id`, `text` and maybe `answer`.")]
Rollouts_ = Annotated[Path, typer.Argument(help="JSONL with `id`, `problem_id`, `lang`, `text`.")]
Calibration_ = Annotated[Path | None, typer.Option("--calibration", help="Folder that `calibrate` wrote.")]

offline = typer.Typer()


@offline.command()
def score(
    rollouts: Rollouts_,
    references: References_,
    reward: Annotated[str, typer.Option(help=", ".join(_REWARDS))] = "hybrid",
    calibration: Calibration_ = None,
    encoder: Encoder_ = "packaged-use",
    translator: Translator_ = "none",
    comet: Comet_ = "none",
    hide_answers: Hidden_ = False,
) -> None:
    """Score anybody's rollouts with one reward; writes a JSON row a rollout to standard output."""
    with one_line_errors():
        name = _known_reward(reward)
        setup = _reward_setup(encoder, translator, comet, hide_answers)
        from components.offline.score import score_file

        score_file(name, references, rollouts, setup, calibration, sys.stdout.buffer)


@offline.command()
def calibrate(
    rollouts: Rollouts_,
    references: References_,
    out: Annotated[Path, typer.Option(help="Folder for weights, maps, bank and figures.")],
    encoder: Encoder_ = "packaged-use",
    translator: Translator_ = "none",
    comet: Comet_ = "none",
    hide_answers: Hidden_ = False,
    every_reward: Annotated[
        bool, typer.Option("--every-reward", help="Measure also embedding, margin and hybrid_paper: takes longer.")
    ] = False,
) -> None:
    """Fit the hybrid to P(correct) on anybody's rollouts; measure it and its terms on questions that no fit used."""
    with one_line_errors():
        setup = _reward_setup(encoder, translator, comet, hide_answers)
        from components.offline.calibrate import calibrate_file

        calibrate_file(references, rollouts, out, setup, every_reward=every_reward)


@offline.command()
def audit(
    rollouts: Annotated[Path | None, typer.Argument(help="JSONL as for `score`; left out: built-in problems.")] = None,
    references: Annotated[Path | None, typer.Option(help="JSONL as for `score`.")] = None,
    reward: Annotated[str, typer.Option(help=", ".join(_REWARDS))] = "hybrid",
    calibration: Calibration_ = None,
    num_problems: Annotated[int, typer.Option(min=2, help="Of the built-in ones.")] = 42,
    encoder: Encoder_ = "packaged-use",
    translator: Translator_ = "none",
    comet: Comet_ = "none",
    hide_answers: Hidden_ = False,
) -> None:
    """Attack a reward: how often does an honest response beat each attack, by language?"""
    with one_line_errors():
        name = _known_reward(reward)
        setup = _reward_setup(encoder, translator, comet, hide_answers)
        from components.offline.audit import audit_reward

        audit_reward(name, setup, calibration, references, rollouts, num_problems)


def _known_reward(name: str) -> "RewardName":
    from components.contracts import PipelineError

    if name not in _REWARDS:
        raise PipelineError(f"no reward `{name}`; there are {', '.join(_REWARDS)}")
    return cast("RewardName", name)


def _reward_setup(encoder: str, translator: str, comet: str, hide_answers: bool) -> "RewardSetup":
    """The setup, with the process prepared: offline unless a name can only be the hub's."""
    from components.environment import prepare_process
    from components.stage import is_hub_name

    prepare_process(offline=not any(map(is_hub_name, (encoder, translator, comet))))
    from components.reward.setup import RewardSetup

    return RewardSetup(encoder=encoder, translator=translator, comet=comet, answers_hidden=hide_answers)
