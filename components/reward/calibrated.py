"""The hybrid with fitted weights and maps, P(correct | terms, language); and the folder it is kept in.

    P = map_l(w · z(terms)),   reward = g(language) · P

z standardises by language (`components.calibration.weights`). P says how likely the answer is right, in whatever
language it is; as a reward it is gated like the fixed hybrid (`components.reward.hybrid`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import ValidationError

from components.calibration import Calibration, FittedWeights, LanguageMaps
from components.contracts import ContractError, PipelineError, first_problem, write_json
from components.encoding import Encoder
from components.params import RewardName, RewardParams
from components.reward.bank import ReferenceBank
from components.reward.build import make_reward, make_terms
from components.reward.functions import Scores
from components.reward.hybrid import HybridReward
from components.reward.setup import RewardSetup
from components.reward.terms import Reward, Terms, TermScorer, tell_terms
from components.reward.texts import Completion

SETUP = "reward.json"
"""How the terms are made."""


class CalibratedReward:
    """g · P(correct) of each response. Values 0 to 1; picklable, models are loaded at their first use."""

    __name__ = "hybrid"

    def __init__(self, terms: TermScorer, setup: RewardSetup, weights: FittedWeights, maps: LanguageMaps) -> None:
        self.terms, self.setup, self.weights, self.maps = terms, setup, weights, maps

    def __call__(self, completions: Sequence[Completion], lang: Sequence[str], **columns: Any) -> Scores:  # noqa: ANN401
        """None where neither answer nor meaning can be compared."""
        rows = self.terms(completions, lang=lang, **columns)
        tell_terms(rows, lang, columns)
        probability = self.probability(rows, lang)
        return [None if p is None else p * self.setup.gate(row) for p, row in zip(probability, rows, strict=True)]

    def probability(self, rows: Sequence[Terms], lang: Sequence[str]) -> Scores:
        """P(correct), ungated, of responses whose terms are there; None where nothing could be compared."""
        if not rows:
            return []
        table = np.array([[row[name] for name in self.weights.names] for row in rows], dtype=float)  # None is NaN
        scored = [any(row.get(name) is not None for name in COMPARING) for row in rows]
        probability = self.maps(self.weights.index(table, lang), lang).tolist()
        return [p if known else None for p, known in zip(probability, scored, strict=True)]


COMPARING = ("answer", "steps", "numbers")
"""Terms that compare with the reference; without any of them there is nothing to score."""


def write_reward(folder: Path, calibration: Calibration, setup: RewardSetup, bank: ReferenceBank) -> None:
    """Write all that `load_reward` reads."""
    calibration.write(folder)
    write_json(folder / SETUP, setup.model_dump(mode="json"))
    bank.write(folder)


def load_reward(folder: Path | str, encoder: Encoder | None = None) -> CalibratedReward | HybridReward:
    """The reward of a calibration's folder, for anyone's `GRPOTrainer(reward_funcs=[...])`.

    The data set needs the columns `lang` and `reference_text`; `reference_answer`, `question` and `choices` are used
    where they are there. Where no weights could be fitted, it is the fixed hybrid.

    Args:
        encoder: To share what it remembers; by default one of the setup's name.

    Raises:
        ContractError: A file is missing or broken, or the encoder is another than that of the calibration.
    """
    folder = Path(folder)
    calibration, setup = Calibration.read(folder), _read_setup(folder / SETUP)
    encoder = encoder or Encoder(setup.encoder)
    if calibration.encoder_fingerprint != encoder.fingerprint():
        raise ContractError(f"{folder}: the encoder {encoder.name} is not the one that was calibrated; calibrate again")
    if calibration.weights is None or calibration.maps is None:
        return HybridReward(setup, encoder)
    terms = make_terms(setup, encoder, ReferenceBank.read(folder), _names(calibration.terms))
    return CalibratedReward(terms, setup, calibration.weights, calibration.maps)


def training_reward(params: RewardParams, encoder: Encoder, folder: Path) -> Reward:
    """The reward that params.yaml trains with.

    Args:
        encoder: The one that `params` name.
        folder: The calibration's; for the calibrated hybrid and for `margin`.

    Raises:
        ContractError: The folder is needed and broken.
        PipelineError: The setup lacks what the reward needs, or is another than that of the calibration.
    """
    setup = RewardSetup.from_params(params)
    if params.calibrated:
        _check_setup(setup, folder)
        return load_reward(folder, encoder)
    bank = ReferenceBank.read(folder) if params.function == "margin" else None
    return make_reward(params.function, setup, encoder, bank)


def _check_setup(wanted: RewardSetup, folder: Path) -> None:
    """The weights belong to the values that they were fitted with, which `load_reward` takes."""
    own = _read_setup(folder / SETUP)
    for key, value in wanted:
        if value != (fitted := getattr(own, key)):
            raise PipelineError(
                f"params.yaml: `reward.calibrated`: `reward.{key}` is {value}, but {fitted} in {folder}; "
                "calibrate with it (`dvc repro calibrate`), or give it the same value"
            )


def _names(terms: Sequence[str]) -> list[RewardName]:
    """The fitted terms and the gate's."""
    return [*cast("Sequence[RewardName]", terms), "language"]


def _read_setup(path: Path) -> RewardSetup:
    try:
        return RewardSetup.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}; calibrate again") from None
    except ValidationError as error:
        raise ContractError(f"{path}: field {first_problem(error)}; calibrate again") from None
