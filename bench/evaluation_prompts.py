"""Write what lm-evaluation-harness itself asks on our own rows, for tests/benchmarks to compare with.

Run by the harness's Python (`make bench` makes it): .cache/harness/bin/python bench/evaluation_prompts.py
Rows are those of tests/benchmarks/published, in the published formats, written for the tests; the harness's own task
files are loaded, only their data set is replaced. Writes tests/benchmarks/harness.json.
"""

import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "tests" / "benchmarks" / "published"
MANAGER = TaskManager()
CHANGED = {"process_docs": None, "validation_split": None, "description": ""}  # instructions are not reproduced
NUM_SHOTS = {"mgsm": 8, "mmlu_prox": 5}


def main() -> None:
    """One entry a task and row."""
    told = [*mgsm(), *mmlu_prox(), *choices("xcopa", "xcopa_{}", "data/{0}/test.{0}.jsonl"),
            *choices("global_mmlu", "global_mmlu_full_{}_high_school_mathematics", "{0}/test.jsonl")]  # fmt: skip
    whole = {"harness": version("lm_eval"), "prompts": told}
    path = ROOT / "tests" / "benchmarks" / "harness.json"
    path.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {len(told)} prompts")


def mgsm() -> list[dict[str, Any]]:
    """MGSM's three tasks, in the columns of the hub's data set."""
    exemplars = json.loads((PUBLISHED / "mgsm" / "exemplars.json").read_text(encoding="utf-8"))
    told = []
    for lang, own in exemplars.items():
        lines = (PUBLISHED / "mgsm" / f"mgsm_{lang}.tsv").read_text(encoding="utf-8").splitlines()
        test = [
            {"question": q, "answer": None, "answer_number": int(n)} for q, n in (line.split("\t") for line in lines)
        ]
        train = [
            {"question": one["q"], "answer": one["a"], "answer_number": (7, 30)[i]}
            for i, one in enumerate(own.values())
        ]
        for kind in ("native_cot", "en_cot", "direct"):
            told += asked(f"mgsm_{kind}", f"mgsm_{kind}_{lang}", lang, {"train": train, "test": test})
    return told


def mmlu_prox() -> list[dict[str, Any]]:
    """A task a subject."""
    told = []
    for folder in sorted((PUBLISHED / "mmlu_prox").iterdir()):
        rows = {split: records(folder / f"{split}.jsonl") for split in ("validation", "test")}
        for subject in ("math", "physics"):
            own = {split: [row for row in each if row["category"] == subject] for split, each in rows.items()}
            told += asked("mmlu_prox", f"mmlu_prox_{folder.name}_{subject}", folder.name, own)
    return told


def choices(name: str, task: str, path: str) -> list[dict[str, Any]]:
    """Tasks by likelihood, without worked examples."""
    folder = PUBLISHED / name / ("data" if name == "xcopa" else "")
    told = []
    for lang in sorted(each.name for each in folder.iterdir()):
        told += asked(name, task.format(lang), lang, {"test": records(PUBLISHED / name / path.format(lang))})
    return told


def asked(benchmark: str, task: str, lang: str, splits: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The prompts of the harness's task on our rows."""
    config = dict(load_yaml(MANAGER.task_index[task].yaml_path, resolve_func=True))
    with tempfile.TemporaryDirectory() as name:
        schema = pa.unify_schemas([pa.Table.from_pylist(rows).schema for rows in splits.values()])
        paths = {split: f"{name}/{split}.parquet" for split in splits}
        for split, rows in splits.items():
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), paths[split])
        own = {"dataset_path": "parquet", "dataset_name": None, "dataset_kwargs": {"data_files": paths}}
        loaded = ConfigurableTask(config=config | own | CHANGED | _without(config, splits))
        loaded.set_fewshot_seed(0)
        num_shots = min(next((n for key, n in NUM_SHOTS.items() if benchmark.startswith(key)), 0),
                        len(splits.get("train", splits.get("validation", []))))  # fmt: skip
        told = []
        for row, document in zip(splits["test"], loaded.test_docs(), strict=True):
            one: dict[str, Any] = {
                "benchmark": benchmark,
                "lang": lang,
                "question": row.get("question"),
                "premise": row.get("premise"),
                "prompt": loaded.fewshot_context(document, num_shots),
            }
            if config["output_type"] == "multiple_choice":
                delimiter = config.get("target_delimiter", " ")
                one["continuations"] = [delimiter + choice for choice in loaded.doc_to_choice(document)]
            told.append(one)
        return told


def _without(config: dict[str, Any], splits: dict[str, Any]) -> dict[str, Any]:
    """No worked examples of a split that is not there."""
    return {} if config.get("fewshot_split") in (*splits, None) else {"fewshot_split": None, "fewshot_config": None}


def records(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
