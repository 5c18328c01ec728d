"""Evaluate base and adapters on one benchmark; every answer kept, every piece resumable."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from components.benchmarks.adapters import adapters_by_system
from components.benchmarks.answer import Answerer
from components.benchmarks.folder import FILES, check_out, write_results
from components.benchmarks.items import Item, make_items
from components.benchmarks.logged import log_benchmark
from components.benchmarks.rows import read_rows
from components.benchmarks.sample import BenchmarkSample
from components.benchmarks.setup import Setup, load_setup
from components.benchmarks.shown import print_benchmark
from components.benchmarks.summary import summarise
from components.compare.intervals import BASE
from components.contracts import ModelEntry, PipelineError, fingerprint
from components.generation.models import load_model, load_tokenizer
from components.generation.responder import seed_piece
from components.generation.sampler import Decoding
from components.journal import Journal
from components.models.packaged import PACKAGED_MODEL
from components.models.resolve import resolve
from components.progress import Progress
from components.tracking import check_store

PACKAGED_FOLDER = Path(".cache/packaged")
CODE = [Path(__file__).parents[1] / name for name in ("answers", "benchmarks", "generation", "lang")]
"""What an answer is made and read by: other code goes on with none of the answers before."""
_PIECE_BATCHES = 2  # batches that are lost at most where the command is killed


@dataclass(frozen=True)
class Asked:
    """What the command was asked for."""

    benchmark: str
    source: Path | None
    """Folder in the published format; None for the hub."""
    languages: tuple[str, ...]
    """Empty: all that the set-up has."""
    model: str
    adapters: tuple[Path, ...]
    """`DIR` or `LABEL=DIR`, as `adapters_by_system` takes them."""
    out: Path
    limit: int | None
    """Questions of each language, the first ones."""
    num_shots: int | None
    max_new_tokens: int | None
    batch_size: int
    num_samples: int
    temperature: float
    revision: str | None
    chat: bool
    dtype: str
    seed: int


@dataclass(frozen=True)
class _Read:
    setup: Setup
    items: dict[str, list[Item]]
    provenance: dict[str, Any]
    adapters: dict[str, Path]
    """Folders by system."""


def evaluate_benchmark(asked: Asked) -> None:
    """Ask, read, sum up; write the folder `asked.out` (samples.parquet, metrics.json, the report) and a run of MLflow.

    Raises:
        PipelineError: Set-up, rows, model or adapter are not to be had, the folder holds another evaluation, or
            MLflow's store cannot be written (one line: what, and what to do).
    """
    read = _read(asked)
    check_store()
    if asked.model == PACKAGED_MODEL:
        PACKAGED_FOLDER.parent.mkdir(exist_ok=True)
    entry = resolve("policy", asked.model, PACKAGED_FOLDER)
    made = _made(asked, read, entry)
    check_out(asked.out, made)
    identity = {"asked": {k: str(v) for k, v in asdict(asked).items()}, "model": entry.fingerprint,
                "setup": read.setup.model_dump(mode="json"), "rows": read.provenance}  # fmt: skip
    journal = Journal(f"benchmark-{read.setup.name}", fingerprint(identity, [*read.adapters.values(), *CODE]))
    try:
        samples = _answers(asked, read, entry, journal)
        metrics = {"made": made, **summarise(samples, seed=asked.seed)}
        write_results(asked.out, metrics, samples)
    except BaseException:
        journal.release()
        raise
    journal.close()
    print_benchmark(metrics)
    print(f"{asked.out}: {', '.join(FILES)}")
    log_benchmark(metrics, asked.out)


def _read(asked: Asked) -> _Read:
    adapters = adapters_by_system(asked.adapters)
    setup = load_setup(asked.benchmark)
    if asked.num_samples > 1 and (setup.answer == "choice" or asked.temperature == 0):
        raise PipelineError("several samples need a benchmark that is answered in text, and --temperature above 0")
    if asked.chat and setup.answer == "choice":
        raise PipelineError(f"{setup.name}: is answered by likelihood, where no turn is written; leave --chat out")
    changes = {"num_shots": asked.num_shots, "max_new_tokens": asked.max_new_tokens}
    setup = setup.model_copy(update={key: value for key, value in changes.items() if value is not None})
    if setup.num_shots and not setup.shot:
        raise PipelineError(f"{setup.name}: has no worked examples; leave --shots out")
    items, provenance = {}, {}
    for lang in asked.languages or setup.known_languages:
        setup.words(lang)
        rows = read_rows(setup, asked.source, lang, "test", asked.revision)
        provenance[lang] = {"test": rows.provenance}
        shots = []
        if setup.num_shots:
            worked = read_rows(setup, asked.source, lang, "shots", asked.revision)
            provenance[lang]["shots"] = worked.provenance
            shots = worked.rows
        source = str(asked.source or setup.hub)
        items[lang] = make_items(setup, lang, rows.rows[: asked.limit], shots, source)
    return _Read(setup, items, provenance, adapters)


def _answers(asked: Asked, read: _Read, entry: ModelEntry, journal: Journal) -> list[BenchmarkSample]:
    samples: list[BenchmarkSample] = []
    systems: dict[str, Path | None] = {BASE: None, **read.adapters}
    total = len(systems) * sum(map(len, read.items.values()))
    size = _PIECE_BATCHES * max(1, asked.batch_size // asked.num_samples)
    with Progress(read.setup.name, total) as progress:
        for system, adapter in systems.items():
            answerer: Answerer | None = None
            items = list(chain.from_iterable(read.items.values()))  # languages together: batches are fuller
            for start in range(0, len(items), size):
                piece, key = items[start : start + size], f"{system}-{start:06d}"
                if key not in journal:
                    answerer = answerer or _load(system, adapter, entry, asked)
                    seed_piece(asked.seed, key)
                    journal.append(key, _ask(answerer, read.setup, piece, asked))
                samples += journal.read(key, BenchmarkSample)
                progress.advance(len(piece), note=f"{system} {piece[-1].lang}")
    return samples


def _ask(answerer: Answerer, setup: Setup, items: Sequence[Item], asked: Asked) -> list[BenchmarkSample]:
    if setup.answer == "choice":
        return answerer.choices(setup, items)
    decoding = Decoding(setup.max_new_tokens, asked.temperature, top_k=64)
    return answerer.texts(setup, items, decoding, asked.num_samples)


def _load(system: str, adapter: Path | None, entry: ModelEntry, asked: Asked) -> Answerer:
    model: Any = load_model(entry, asked.dtype, adapter)
    if adapter is not None:
        model = model.merge_and_unload()
    return Answerer(system, model, load_tokenizer(entry), asked.batch_size, chat=asked.chat)


def _made(asked: Asked, read: _Read, entry: ModelEntry) -> dict[str, Any]:
    """How the figures came about."""
    setup = read.setup
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "benchmark": setup.name,
        "setup": fingerprint(setup.model_dump(mode="json"), []),
        "matches": setup.matches,
        "differs": setup.differs,
        "num_shots": setup.num_shots,
        "max_new_tokens": setup.max_new_tokens,
        "num_samples": asked.num_samples,
        "temperature": asked.temperature,
        "model": entry.name,
        "model_fingerprint": entry.fingerprint,
        "limit": asked.limit,
        "seed": asked.seed,
        "dtype": asked.dtype,
        "chat": asked.chat,
        "adapters": {system: fingerprint(None, [folder]) for system, folder in read.adapters.items()},
        "rows": read.provenance,
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "pb-rlsvr")},
    }
