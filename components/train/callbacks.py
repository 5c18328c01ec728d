"""What happens between the trainer's steps: live metrics, the curve's file, validation and candidate adapters."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from peft import PeftModel
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from components.contracts import write_json, write_text
from components.progress import Progress

CURVE_COLUMNS = ("step", "loss", "reward", "zero_signal", "truncated", "length", "entropy", "kl_to_base", "validation")


class LiveMetrics(TrainerCallback):
    """Sends what the trainer logs to MLflow and to the progress bar."""

    def __init__(self, progress: Progress, prefix: str, log: Callable[[dict[str, float], int], None]) -> None:
        self.progress, self.prefix, self.log = progress, prefix, log

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ANN401, ARG002
        """A resumed run starts where it was."""
        self.progress.advance(state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ANN401, ARG002
        """One step done."""
        last = state.log_history[-1] if state.log_history else {}
        shown = {key: last[key] for key in ("reward", "loss") if last.get(key) is not None}
        self.progress.advance(note=", ".join(f"{key} {value:.3f}" for key, value in shown.items()))

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, Any] | None = None,
        **_: Any,  # noqa: ANN401
    ) -> None:
        numbers = {f"{self.prefix}/{k}": float(v) for k, v in (logs or {}).items() if isinstance(v, int | float)}
        self.log(numbers, state.global_step)


class StepsAlone(TrainerCallback):
    """Lets each step's scores hang on that step alone, so that a resumed run gives the same to the last bit."""

    def __init__(self, forget: Callable[[], None]) -> None:
        """`forget`: what an earlier step left behind, such as an encoder's remembered vectors."""
        self.forget = forget

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Before its rollouts are scored."""
        self.forget()


class Completions(TrainerCallback):
    """Sends each step's table of completions to MLflow once the trainer has written it, which is after `on_log`.

    A resumed run sends all of them again: the last one may not have been.
    """

    def __init__(self, folder: Path, send: Callable[[Path, str], None]) -> None:
        self.folder, self.send = folder, send
        self._sent: set[Path] = set()

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ANN401, ARG002
        """The step before has been written."""
        self._send_new()

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ANN401, ARG002
        """And the last one."""
        self._send_new()

    def _send_new(self) -> None:
        for table in sorted(set(self.folder.glob("*.parquet")) - self._sent):
            self.send(table, "completions")
            self._sent.add(table)


class Candidates(TrainerCallback):
    """Every `every` steps and at the end: save the adapter as a candidate, then measure it on validation.

    A step is as many of the trainer's as it has `epochs` over the same rollouts.
    """

    def __init__(
        self,
        save: Callable[[Path], None],
        folder: Path,
        every: int,
        measure: Callable[[int], None],
        epochs: int = 1,
    ) -> None:
        self.save, self.folder, self.every, self.measure, self.epochs = save, folder, every, measure, epochs

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ANN401, ARG002
        """A candidate is whole before it is measured: the measurement is what makes it eligible."""
        step, rest = divmod(state.global_step, self.epochs)
        if rest == 0 and (step % self.every == 0 or state.global_step == state.max_steps):
            self.take(step)

    def take(self, step: int) -> None:
        """Save and measure the policy as it is, after `step` steps."""
        self.save(self.folder / f"step-{step}")
        self.measure(step)


class Budget(TrainerCallback):
    """Ends training once so many tokens were sampled and learned from; at the end of a step, whole rollouts learned."""

    def __init__(self, max_tokens: int, epochs: int) -> None:
        """`max_tokens` 0: no end but the last step's."""
        self.max_tokens, self.epochs = max_tokens, epochs

    def is_spent(self, state: TrainerState) -> bool:
        """Whether the steps in the trainer's log have used it up."""
        spent = sum(
            value
            for entry in state.log_history
            for key, value in entry.items()
            if key == "tokens_learned" or key.startswith("tokens/")
        )
        return 0 < self.max_tokens <= spent and state.global_step % self.epochs == 0

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ANN401, ARG002
        """A step's tokens are known once it is logged."""
        if self.is_spent(state):
            control.should_training_stop = True


def save_adapter(policy: PeftModel, folder: Path, base_name: str) -> None:
    """Write the adapter as safetensors; its configuration names the base as params.yaml does, not by a local path.

    Equal adapters are equal files: peft writes the set of adapted modules in an order that changes from process to
    process, and what depends on the adapter would be stale.
    """
    policy.save_pretrained(str(folder), save_embedding_layers=False)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    own = {"base_model_name_or_path": base_name, "target_modules": sorted(config["target_modules"])}
    write_json(path, config | own)


def write_curve(
    path: Path, history: list[dict[str, Any]], validation: dict[int, dict[str, float]], epochs: int = 1
) -> None:
    """The training curve as CSV, one row a step (`CURVE_COLUMNS`; empty where a step has no value).

    Supervised steps have a loss and no rollouts. Of several passes the first is told: RL's with its rollouts.
    """
    text = StringIO()
    writer = csv.DictWriter(text, CURVE_COLUMNS)
    writer.writeheader()
    for entry in history:
        if "loss" not in entry or (int(entry["step"]) - 1) % epochs:
            continue
        step = (int(entry["step"]) - 1) // epochs + 1
        told = {
            "step": step,
            "loss": entry["loss"],
            "reward": entry.get("reward"),
            "zero_signal": entry.get("frac_reward_zero_std"),
            "truncated": entry.get("completions/clipped_ratio"),
            "length": entry.get("completions/mean_length"),
            "entropy": entry.get("entropy"),  # a step without any signal has none
            "kl_to_base": entry.get("kl_to_base"),
            "validation": validation.get(step, {}).get("macro"),
        }
        writer.writerow({name: "" if value is None else value for name, value in told.items()})
    write_text(path, text.getvalue())
