"""A hostile pickle at every path that something is loaded from: it is never run, and what is told is one line."""

import pickle
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from peft import LoraConfig, get_peft_model

from components.contracts import Prediction, read_table
from components.encoding import Encoder
from components.generation.models import load_model
from components.models.resolve import resolve
from components.params import ColumnsParams, SourceParams
from components.problems.sources import read_source
from components.reward.bank import BANK, ReferenceBank
from components.reward.comet import CometScorer
from components.train.checkpoints import train_or_resume
from components.translation import load_translator
from tests.encoding.conftest import save_tiny_encoder, word_pieces
from tests.reward.comet_checkpoints import save_checkpoint
from tests.security.conftest import entry_of, one_line
from tests.security.hostile import FORMS, Hostile, plain, zipped
from tests.tiny import tiny_gemma
from tests.train.small import small_trainer

Plant = Callable[[Path, Path], None]

pytestmark = pytest.mark.usefixtures("offline")


def without_safetensors(folder: Path) -> Path:
    for path in folder.rglob("*.safetensors"):
        path.unlink()
    return folder


def test_what_is_planted_is_hostile_indeed(tmp_path: Path) -> None:
    for number, plant in enumerate(FORMS):
        mark = tmp_path / f"mark-{number}"
        plant(tmp_path / "file", mark)
        with suppress(RuntimeError):  # torch would go on reading
            torch.load(tmp_path / "file", weights_only=False)
        assert mark.is_dir()


@pytest.mark.parametrize("plant", FORMS)
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.bin", "training_args.bin", "model.pkl"])
def test_in_a_models_folder(model: Path, mark: Path, plant: Plant, name: str) -> None:
    plant(model / name, mark)
    load_model(entry_of(model), "float32")
    without_safetensors(model)
    assert "has no *.safetensors" in one_line(lambda: resolve("policy", str(model), model))
    assert "has no *.safetensors" in one_line(lambda: load_model(entry_of(model), "float32"))


@pytest.mark.parametrize("plant", FORMS)
def test_in_an_adapters_folder(model: Path, tmp_path: Path, mark: Path, plant: Plant) -> None:
    adapter = tmp_path / "adapter"
    get_peft_model(tiny_gemma(), LoraConfig(r=2, target_modules="all-linear")).save_pretrained(adapter)
    plant(adapter / "adapter_model.bin", mark)
    load_model(entry_of(model), "float32", adapter)
    without_safetensors(adapter)
    assert "no adapter_model.safetensors" in one_line(lambda: load_model(entry_of(model), "float32", adapter))


@pytest.mark.parametrize("plant", FORMS)
@pytest.mark.parametrize("name", ["model.safetensors", "adapter_model.safetensors"])
def test_under_the_name_of_safetensors(model: Path, tmp_path: Path, mark: Path, plant: Plant, name: str) -> None:
    from safetensors import SafetensorError

    adapter = tmp_path / "adapter"
    get_peft_model(tiny_gemma(), LoraConfig(r=2, target_modules="all-linear")).save_pretrained(adapter)
    plant((model if name == "model.safetensors" else adapter) / name, mark)
    with pytest.raises(SafetensorError):
        load_model(entry_of(model), "float32", adapter)


@pytest.mark.parametrize("plant", FORMS)
def test_in_an_encoders_folder(tmp_path: Path, mark: Path, plant: Plant) -> None:
    folder = Path(save_tiny_encoder(tmp_path, word_pieces()))
    plant(folder / "pytorch_model.bin", mark)
    Encoder(str(folder)).encode(["a"])
    without_safetensors(folder)
    assert "pickled weights" in one_line(lambda: Encoder(str(folder)).encode(["a"]))


@pytest.mark.parametrize("plant", FORMS)
def test_in_a_translators_folder(tmp_path: Path, mark: Path, plant: Plant) -> None:
    from transformers import MarianConfig, MarianMTModel

    from tests.translation.checkpoints import SIZES, marian_tokenizer

    tokenizer = marian_tokenizer()
    tokenizer.save_pretrained(tmp_path / "opus")
    MarianMTModel(MarianConfig(vocab_size=len(tokenizer), **SIZES)).save_pretrained(tmp_path / "opus")
    plant(tmp_path / "opus" / "pytorch_model.bin", mark)
    load_translator(str(tmp_path / "opus"))
    without_safetensors(tmp_path / "opus")
    assert "safetensors" in one_line(lambda: load_translator(str(tmp_path / "opus")))


@pytest.mark.parametrize("plant", FORMS)
def test_in_a_converted_translators_folder(tmp_path: Path, mark: Path, plant: Plant) -> None:
    pytest.importorskip("ctranslate2", reason="needs the extra `mt`")
    from tests.translation.checkpoints import marian_tokenizer

    marian_tokenizer().save_pretrained(tmp_path / "converted")
    (tmp_path / "converted" / "shared_vocabulary.json").write_text("[]")
    plant(tmp_path / "converted" / "model.bin", mark)
    assert f"{tmp_path}/converted: " in one_line(lambda: load_translator(str(tmp_path / "converted")))


@pytest.mark.parametrize("plant", FORMS)
def test_as_a_comet_checkpoint(tmp_path: Path, mark: Path, plant: Plant) -> None:
    folder = save_checkpoint(tmp_path / "comet")
    plant(folder / "checkpoints" / "model.ckpt", mark)
    assert f"{folder}/checkpoints/model.ckpt: " in one_line(lambda: CometScorer.load(str(folder)))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training after its first step of two."""
    folder = tmp_path_factory.mktemp("stopped")
    trainer, policy = small_trainer(folder, steps=1, config={"save_steps": 1})
    train_or_resume(trainer, policy, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("plant", FORMS)
@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth", "adapter_model.safetensors"])
def test_in_a_trainers_checkpoint(stopped: Path, tmp_path: Path, mark: Path, plant: Plant, name: str) -> None:
    shutil.copytree(stopped, tmp_path / "run")
    plant(tmp_path / "run" / "checkpoint-1" / name, mark)
    trainer, policy = small_trainer(tmp_path / "run")
    assert "checkpoint-1: " in one_line(lambda: train_or_resume(trainer, policy, tmp_path / "run"))


@pytest.mark.parametrize("plant", FORMS)
def test_in_a_trainers_checkpoint_without_safetensors(stopped: Path, tmp_path: Path, mark: Path, plant: Plant) -> None:
    shutil.copytree(stopped, tmp_path / "run")
    plant(without_safetensors(tmp_path / "run") / "checkpoint-1" / "adapter_model.bin", mark)
    trainer, policy = small_trainer(tmp_path / "run")
    assert "checkpoint-1: " in one_line(lambda: train_or_resume(trainer, policy, tmp_path / "run"))


@pytest.mark.slow
@pytest.mark.parametrize("plant", FORMS)
def test_beside_a_trainers_checkpoint(stopped: Path, tmp_path: Path, mark: Path, plant: Plant) -> None:
    shutil.copytree(stopped, tmp_path / "run")
    for name in ("training_args.bin", "adapter_model.bin", "optimizer.bin", "rng_state_0.pth"):
        plant(tmp_path / "run" / "checkpoint-1" / name, mark)
    trainer, policy = small_trainer(tmp_path / "run")
    train_or_resume(trainer, policy, tmp_path / "run")
    assert trainer.state.global_step == 2


def test_as_a_trainers_state(stopped: Path, tmp_path: Path, mark: Path) -> None:
    shutil.copytree(stopped, tmp_path / "run")
    plain(tmp_path / "run" / "checkpoint-1" / "trainer_state.json", mark)
    trainer, policy = small_trainer(tmp_path / "run")
    train_or_resume(trainer, policy, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint-1").exists(), "as a torn one: training begins anew"
    assert trainer.state.global_step == 2


def test_as_a_bank(tmp_path: Path, mark: Path) -> None:
    plain(tmp_path / BANK, mark)
    assert BANK in one_line(lambda: ReferenceBank.read(tmp_path))


def test_as_the_packaged_encoders_weights(tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from components.encoding import packaged

    shutil.copy(packaged.FOLDER / "sp.model", tmp_path)
    np.savez(tmp_path / "weights.npz", a=np.array([Hostile(mark)], dtype=object))
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Encoder("packaged-use").encode(["a"])


def table(path: Path) -> SourceParams:
    return SourceParams(format="table", path=str(path), columns=ColumnsParams(question="question"))


def test_as_a_table(tmp_path: Path, mark: Path) -> None:
    for plant in (plain, zipped):
        plant(tmp_path / "rows.parquet", mark)
        assert "not a readable Parquet file" in one_line(lambda: read_source(table(tmp_path / "rows.parquet")))
        assert "not a readable Parquet file" in one_line(lambda: read_table(tmp_path / "rows.parquet", Prediction))


def test_in_a_tables_schema(tmp_path: Path, mark: Path) -> None:
    """Old versions of Arrow unpickled Python's own types of columns."""
    metadata = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(Hostile(mark), protocol=2),
    }
    schema = pa.schema([pa.field("question", pa.string(), metadata=metadata)], {"pandas": pickle.dumps(Hostile(mark))})
    pq.write_table(pa.table({"question": ["1 + 1?"]}, schema=schema), tmp_path / "rows.parquet")
    (problem,) = read_source(table(tmp_path / "rows.parquet"))
    assert problem.texts["en"].question == "1 + 1?"


@pytest.mark.parametrize("name", ["train.pkl", "train.pickle", "train.pandas"])
def test_in_a_data_sets_folder(tmp_path: Path, mark: Path, name: str) -> None:
    plain(tmp_path / "data" / name, mark)
    source = SourceParams(
        format="hub", path=str(tmp_path / "data"), split="train", columns=ColumnsParams(question="question")
    )
    assert f"{tmp_path}/data (config None, split train): " in one_line(lambda: read_source(source))


@pytest.mark.slow
def test_as_a_model_of_mlflow(tmp_path: Path, mark: Path) -> None:
    import mlflow

    class Echo(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input):  # noqa: ARG002 - MLflow's signature
            return model_input

    mlflow.pyfunc.save_model(str(tmp_path / "model"), python_model=Echo())
    (pickled,) = (tmp_path / "model").rglob("python_model.pkl")
    plain(pickled, mark)
    with pytest.raises(mlflow.exceptions.MlflowException, match="pickle"):
        mlflow.pyfunc.load_model(str(tmp_path / "model"))
