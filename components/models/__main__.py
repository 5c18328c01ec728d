"""Settle the two roles' models: checkpoints here, or for the pivot a model behind a server.

Reads `models` of params.yaml. Writes models/packaged/ (the converted checkpoint, or a note where no role is packaged)
and models/manifest.json. Run: `python -m components.models`.
"""

from pathlib import Path

from components.contracts import ModelEntry, ModelManifest, ServedModel, write_json, write_text
from components.stage import StageRun, run_stage

PACKAGED_FOLDER = Path("models/packaged")


def work(run: StageRun) -> None:
    """Resolve policy and pivot; the same name is the same checkpoint, and the pivot is then a self-pivot."""
    from components.models.resolve import resolve, served_pivot

    names = run.params.models
    served = served_pivot(names.pivot)
    PACKAGED_FOLDER.parent.mkdir(exist_ok=True)
    policy = resolve("policy", names.policy, PACKAGED_FOLDER)
    run.say(f"policy: {names.policy} in {policy.folder}, {policy.num_parameters / 1e6:.0f} M parameters")
    run.say(f"policy: {_asked(policy)}")
    self_pivot = names.pivot == names.policy
    pivot: ModelEntry | ServedModel
    if served is not None:
        pivot = ServedModel(name=served)
        run.say(f"pivot: {served} behind the server of PBRLSVR_SERVER_URL")
    else:
        pivot = policy if self_pivot else resolve("pivot", names.pivot, PACKAGED_FOLDER)
        run.say(f"pivot: {names.pivot}{' (self-pivot: the same model)' if self_pivot else f' in {pivot.folder}'}")
    if not PACKAGED_FOLDER.exists():
        write_text(PACKAGED_FOLDER / "README.md", "No role uses the packaged model.\n")
    manifest = ModelManifest(policy=policy, pivot=pivot, self_pivot=self_pivot)
    write_json(Path("models/manifest.json"), manifest.model_dump())
    run.metrics = {
        "policy_num_parameters": policy.num_parameters,
        "pivot_num_parameters": pivot.num_parameters if isinstance(pivot, ModelEntry) else None,
        "self_pivot": self_pivot,
    }


def _asked(policy: ModelEntry) -> str:
    if policy.has_chat_template:
        return "asked through its tokenizer's chat template"
    return "has no chat template: asked by text, after `problems.num_shots` worked examples; answers on one line"


if __name__ == "__main__":
    run_stage("models", work)
