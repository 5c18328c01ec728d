"""`pb-rlsvr promote`: register the trained adapter as the champion, where the report has decided so."""

from components.contracts import PipelineError, read_manifest
from components.promotion.adapter import ADAPTER, SUMMARY, check_base, is_reported, read_promotion
from components.promotion.gate import Decision
from components.promotion.registry import register_champion
from components.tracking import CHAMPION, MODEL, check_store


def promote() -> str:
    """Do what stage `report` does where the gate has passed; what is there now, in a sentence.

    Raises:
        PipelineError: The gate has not passed (a line a condition), the report is about another adapter, something
            that is served is missing, or MLflow cannot be reached.
    """
    decision = Decision.from_dict(read_promotion())
    if not decision.passed:
        raise PipelineError("\n".join([f"{SUMMARY}: {decision.verdict}", *decision.failures()]))
    if not is_reported(ADAPTER):
        raise PipelineError(f"{SUMMARY}: is about another adapter than {ADAPTER}; run `dvc repro report`")
    check_base(ADAPTER, read_manifest().policy)
    check_store()
    return f"Version {register_champion()} of {MODEL} is the {CHAMPION}: models:/{MODEL}@{CHAMPION}"
