"""Which adapters stand beside the base, and what they are called."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from components.compare.intervals import BASE
from components.contracts import PipelineError


def adapters_by_system(given: Sequence[Path]) -> dict[str, Path]:
    """Folders by the system's name, in the order given.

    `DIR` is called as its folder is, `LABEL=DIR` as its label. A label that is given several times is one training with
    several seeds: `LABEL/1`, `LABEL/2`, ...

    Raises:
        PipelineError: A folder holds no adapter, or a name is not free.
    """
    folders: dict[str, list[Path]] = defaultdict(list)
    unlabelled = set()
    for argument in given:
        label, folder = _split(argument)
        if not (folder / "adapter_config.json").is_file():
            raise PipelineError(f"{folder}: no adapter here; name a folder with adapter_config.json")
        if not label:
            label = folder.name
            unlabelled.add(label)
        folders[label].append(folder)
    for label, own in folders.items():
        if label == BASE or "/" in label or (len(own) > 1 and label in unlabelled):
            raise PipelineError(f"--adapter: the name `{label}` is not free; name it by --adapter LABEL={own[-1]}")
    return {
        f"{label}/{number}" if len(own) > 1 else label: folder
        for label, own in folders.items()
        for number, folder in enumerate(own, start=1)
    }


def seeds_by_label(systems: Sequence[str]) -> dict[str, dict[int, str]]:
    """Systems that are seeds of one training, by label and number."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for system in systems:
        label, slash, number = system.rpartition("/")
        if slash:
            found[label][int(number)] = system
    return found


def _split(argument: Path) -> tuple[str, Path]:
    """Label, empty where there is none, and folder; a folder's own name may hold a `=`."""
    label, separator, folder = str(argument).partition("=")
    return (label, Path(folder)) if separator and not argument.is_dir() else ("", argument)
