"""Loading checkpoints, adapters and the manifest; what is missing is one line."""

import json

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from components.contracts import ContractError, ModelEntry, ModelManifest, PipelineError, read_manifest
from components.generation import models
from components.generation.models import choose_dtype, load_model, load_tokenizer
from components.lora import lora_config
from components.params import load_params
from tests.tiny import save_tiny, tiny_gemma


def entry(path, name="own"):
    return ModelEntry(name=name, path=str(path), fingerprint="0", has_chat_template=False, num_parameters=1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize(
    ("cuda", "native", "vendor", "flags", "expected"),
    [
        (True, True, "", set(), torch.bfloat16),
        (True, False, "GenuineIntel", {"amx_bf16"}, torch.float32),
        (False, False, "AuthenticAMD", {"avx512_bf16", "fma"}, torch.bfloat16),
        (False, False, "GenuineIntel", {"avx512_bf16", "fma"}, torch.float32),
        (False, False, "GenuineIntel", {"avx512_bf16", "amx_bf16"}, torch.bfloat16),
        (False, False, "", {"bf16"}, torch.bfloat16),
        (False, False, "GenuineIntel", {"avx2", "avx512f"}, torch.float32),
        (False, False, "", set(), torch.float32),
    ],
)
def test_auto_takes_bf16_only_where_it_is_faster(monkeypatch, cuda, native, vendor, flags, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native and not including_emulation)
    monkeypatch.setattr(models, "processor_flags", lambda: flags)
    monkeypatch.setattr(models, "processor_vendor", lambda: vendor)
    assert choose_dtype("auto") == expected
    assert (choose_dtype("float32"), choose_dtype("bfloat16")) == (torch.float32, torch.bfloat16)


def test_the_model_is_the_one_that_was_saved(tiny):
    model = load_model(entry(tiny), "float32")
    expected = tiny_gemma().state_dict()
    found = model.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key].cpu(), value) for key, value in expected.items())
    assert not model.training
    assert load_model(entry(tiny), "bfloat16").dtype == torch.bfloat16


def test_the_adapter_changes_what_the_model_says_and_is_not_merged(tiny, tmp_path):
    policy = get_peft_model(tiny_gemma(), LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
    policy.save_pretrained(tmp_path)
    ids = torch.tensor([[5, 9, 40]])
    plain, adapted = load_model(entry(tiny), "float32"), load_model(entry(tiny), "float32", tmp_path)
    assert isinstance(adapted, PeftModel)
    assert not adapted.training
    with torch.no_grad():
        said = adapted(ids.to(adapted.device)).logits.cpu()
        torch.testing.assert_close(said, policy.eval()(ids).logits, atol=1e-4, rtol=1e-4)
        assert not torch.allclose(said, plain(ids.to(plain.device)).logits.cpu(), atol=1e-2)


def test_padding_falls_back_to_the_texts_end(tiny, tmp_path):
    assert load_tokenizer(entry(tiny)).pad_token_id == 0
    save_tiny(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config | {"pad_token": None}))
    tokenizer = load_tokenizer(entry(tmp_path))
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == 1


def test_a_missing_checkpoint_is_named(tmp_path):
    expected = f"{tmp_path}: no checkpoint of `own` here; run `dvc repro -f models`"
    for load in (lambda: load_model(entry(tmp_path), "float32"), lambda: load_tokenizer(entry(tmp_path))):
        with pytest.raises(PipelineError) as caught:
            load()
        assert str(caught.value) == expected


def test_a_missing_adapter_is_named(tiny, tmp_path):
    with pytest.raises(PipelineError) as caught:
        load_model(entry(tiny), "float32", tmp_path / "trained")
    assert str(caught.value) == f"{tmp_path / 'trained'}: no adapter here; run `make repro` or `dvc repro train`"


def test_the_manifest_is_read_back_or_named(tmp_path):
    path = tmp_path / "manifest.json"
    with pytest.raises(ContractError) as caught:
        read_manifest(path)
    assert str(caught.value) == f"{path}: No such file or directory; run `dvc repro models`"
    manifest = ModelManifest(policy=entry("a"), pivot=entry("b", "other"), self_pivot=False)
    path.write_text(manifest.model_dump_json())
    assert read_manifest(path) == manifest
    for broken in ("{", json.dumps({"policy": 1}), manifest.model_dump_json().replace("self_pivot", "self")):
        path.write_text(broken)
        with pytest.raises(ContractError) as caught:
            read_manifest(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert str(caught.value).endswith("; run `dvc repro -f models`")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("targets", "adapted"),
    [
        ("all-linear", {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}),
        (["q_proj", "v_proj"], {"q_proj", "v_proj"}),
    ],
)
def test_lora_is_added_to_what_is_asked_for(targets, adapted):
    train = load_params().train.model_copy(update={"lora_targets": targets})
    policy = get_peft_model(tiny_gemma(), lora_config(train))
    names = {name.rpartition(".")[2] for name, module in policy.named_modules() if hasattr(module, "lora_A")}
    assert names == adapted
