"""Keeping what a comparison has fitted, as a folder that `components.reward.calibrated.load_reward` reads."""

from collections.abc import Mapping
from pathlib import Path

from components.calibration import Calibration
from components.comparison.compare import Compared, LabelSource
from components.encoding import Encoder
from components.reward.bank import ReferenceBank
from components.reward.calibrated import write_reward
from components.reward.setup import RewardSetup

FIXED_TERMS = ("answer", "steps", "numbers", "repetition")


def keep(
    folder: Path,
    compared: Compared,
    fitted_on: LabelSource | None,
    setup: RewardSetup,
    bank: ReferenceBank,
    created_from: Mapping[str, str],
) -> None:
    """Write calibration, setup and bank.

    Args:
        created_from: Fingerprints of the inputs by name.

    Raises:
        ContractError: The folder is not writable.
    """
    fit = compared.fit
    calibration = Calibration(
        reward="hybrid",
        terms=fit.weights.names if fit else FIXED_TERMS,
        weights_status="fitted" if fit else "not identifiable",
        weights=fit.weights if fit else None,
        maps=fit.maps if fit else None,
        label_source=fitted_on if fit else None,
        num_rows=fit.weights.num_rows if fit else 0,
        num_questions=fit.weights.num_questions if fit else 0,
        encoder=setup.encoder,
        encoder_fingerprint=Encoder(setup.encoder).fingerprint(),
        created_from=dict(created_from),
    )
    write_reward(folder, calibration, setup, bank)
