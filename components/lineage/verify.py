"""The hashes of a lineage, computed again from what is in the workspace."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.lineage.hashes import dvc_md5, params_hash, sha256
from components.lineage.records import Lineage
from components.params import load_params
from components.promotion.adapter import ADAPTER, WEIGHTS
from components.tracking import logged_params
from components.tracking.parent import LOCK


@dataclass(frozen=True, slots=True)
class Check:
    """One hash, as recorded and as found."""

    name: str
    """A path, or what was hashed."""
    recorded: str
    found: str | None
    """None where nothing is there."""

    @property
    def outcome(self) -> Literal["equal", "differs", "missing"]:
        """How the two compare."""
        if self.found is None:
            return "missing"
        return "equal" if self.found == self.recorded else "differs"


def verify(lineage: Lineage) -> tuple[Check, ...]:
    """Check every file and folder that was read or made, the parameters, `dvc.lock`, and registered adapters.

    Raises:
        PipelineError: params.yaml cannot be read.
    """
    return (*_files(lineage), *_params(lineage), *_lock(lineage), *_adapters(lineage))


def _files(lineage: Lineage) -> Iterator[Check]:
    recorded = {(path, md5) for made in lineage.stages for path, md5 in (*made.deps.items(), *made.outs.items())}
    for path, md5 in sorted(recorded):
        yield Check(path, md5, dvc_md5(Path(path)))


def _params(lineage: Lineage) -> Iterator[Check]:
    values = load_params().model_dump(mode="json")
    for made in lineage.stages:
        own = {section: values[section] for section in made.sections if section in values}
        yield Check(f"parameters of {made.stage}", made.params_hash, params_hash(logged_params(own)))


def _lock(lineage: Lineage) -> Iterator[Check]:
    """Any pass will do: a later one, in another clone perhaps, may have gone on with other parameters downstream."""
    stamped = [*(one.dvc_lock_sha256 for one in lineage.passes), lineage.stages[-1].dvc_lock_sha256]
    known = [sha for sha in stamped if sha is not None]
    found = sha256(LOCK)
    if known:  # else the lineage's notes say so
        yield Check(str(LOCK), found if found in known else known[0], found)


def _adapters(lineage: Lineage) -> Iterator[Check]:
    path = ADAPTER / WEIGHTS
    for version in lineage.versions:
        yield Check(f"{path} as {version.name}", version.adapter_sha256, sha256(path))
