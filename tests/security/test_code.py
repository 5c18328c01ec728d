"""No code that comes with a model or data is run, no parameter switches that on, and ours takes no way around it."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.benchmarks.setup import load_setup
from components.contracts import PipelineError
from components.encoding import Encoder
from components.models.resolve import resolve
from components.params import ColumnsParams, Params, SourceParams, load_params
from components.problems.sources import read_source
from components.translation import load_translator
from tests.architecture.imports import ROOT
from tests.encoding.conftest import save_tiny_encoder, word_pieces
from tests.security.conftest import at_most_one_line, entry_of, one_line
from tests.security.hostile import code

SOURCES = [path for package in ("components", "flows") for path in sorted((ROOT / package).rglob("*.py"))]
PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle"}
BANNED = {
    "eval", "exec", "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen",
    "pd.read_pickle", "pandas.read_pickle", "torch.hub.load", "tempfile.mktemp",
}  # fmt: skip
DEMANDED = {  # what a call must say in so many words
    "torch.load": {"weights_only": True},
    "np.load": {"allow_pickle": False},
    "AutoConfig.from_pretrained": {"trust_remote_code": False},
    "AutoTokenizer.from_pretrained": {"trust_remote_code": False},
    "AutoModelForCausalLM.from_pretrained": {"trust_remote_code": False, "use_safetensors": True},
    "AutoModelForSeq2SeqLM.from_pretrained": {"trust_remote_code": False, "use_safetensors": True},
    "SentenceTransformer": {"trust_remote_code": False},
}
PACKAGED = "packaged.py"  # reads the GGUF of a package that is pinned

pytestmark = pytest.mark.usefixtures("offline")


def calls(tree: ast.Module) -> Iterator[tuple[str, dict[str, object]]]:
    """Dotted name and constant keywords of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            keywords = {
                keyword.arg: keyword.value.value
                for keyword in node.keywords
                if keyword.arg and isinstance(keyword.value, ast.Constant)
            }
            yield ast.unparse(node.func), keywords


def wrongs(source: str, name: str = "module.py") -> list[str]:
    """What a module does that none of ours may."""
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and [alias.name for alias in node.names] != ["UnpicklingError"]:
            names = [node.module or ""]
        found += [f"imports {module}" for module in names if module.split(".")[0] in PICKLES]
    for call, keywords in calls(tree):
        if call in BANNED or keywords.get("shell") is True:
            found.append(f"calls {call}")
        if keywords.get("trust_remote_code") or keywords.get("weights_only") is False or keywords.get("allow_pickle"):
            found.append(f"calls {call} without care")
        if name != PACKAGED and DEMANDED.get(call, {}).items() - keywords.items():
            found.append(f"calls {call} without {DEMANDED[call]}")
    return found


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from pickle import loads", "from cloudpickle import load", "import joblib.memory",
        "eval(x)", "exec(x)", "yaml.load(x)", "yaml.load(x, yaml.Loader)", "subprocess.run(x, shell=True)",
        "torch.load(x)", "torch.load(x, weights_only=False)", "np.load(x)", "np.load(x, allow_pickle=True)",
        "AutoModelForCausalLM.from_pretrained(x, trust_remote_code=False)", "f(trust_remote_code=True)",
        "AutoTokenizer.from_pretrained(x)", "SentenceTransformer(x)", "pd.read_pickle(x)", "os.system(x)",
    ],
)  # fmt: skip
def test_each_way_around_is_seen(line: str) -> None:
    assert wrongs(line)


@pytest.mark.parametrize(
    "line",
    ["from pickle import UnpicklingError", "yaml.safe_load(x)", "model.eval()", "torch.load(x, weights_only=True)"],
)
def test_what_is_allowed_is(line: str) -> None:
    assert wrongs(line) == []


def test_ours_takes_none() -> None:
    assert len(SOURCES) > 200
    found = {str(path.relative_to(ROOT)): wrongs(path.read_text(encoding="utf-8"), path.name) for path in SOURCES}
    assert {path: own for path, own in found.items() if own} == {}


@pytest.mark.parametrize("section", ["", *Params.model_fields])
def test_no_parameter_switches_remote_code_on(tmp_path: Path, section: str) -> None:
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    (values[section] if section else values)["trust_remote_code"] = True
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    key = f"{section}.trust_remote_code".lstrip(".")
    with pytest.raises(PipelineError, match=f"unknown key `{key}`"):
        load_params(tmp_path / "params.yaml")


def test_no_source_or_set_up_switches_it_on(tmp_path: Path) -> None:
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    source = {"format": "hub", "path": "a/b", "split": "test", "columns": {"question": "q"}, "trust_remote_code": True}
    values["problems"]["sources"]["test"] = source
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(PipelineError, match=r"unknown key `problems\.sources\.test\.trust_remote_code`"):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "mine.yaml").write_text("like: xcopa\ntrust_remote_code: true\n")
    with pytest.raises(PipelineError, match="`trust_remote_code`"):
        load_setup(str(tmp_path / "mine.yaml"))


def remember(path: Path, **values: object) -> None:
    """Put `values` into a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_code_beside_a_model_is_not_run(model: Path, mark: Path) -> None:
    code(model / "own.py", mark)
    remember(model / "config.json", model_type="own", auto_map={"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"})
    assert "config.json: " in one_line(lambda: resolve("policy", str(model), model))


def test_code_beside_a_tokenizer_is_not_run(model: Path, mark: Path) -> None:
    code(model / "own.py", mark)
    remember(model / "tokenizer_config.json", tokenizer_class="Own", auto_map={"AutoTokenizer": ["own.T", "own.T"]})
    at_most_one_line(lambda: resolve("policy", str(model), model))


def test_code_beside_an_encoder_is_not_run(tmp_path: Path, mark: Path) -> None:
    folder = Path(save_tiny_encoder(tmp_path, word_pieces()))
    code(folder / "own.py", mark)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["type"] = "own.Module"
    (folder / "modules.json").write_text(json.dumps(modules))
    one_line(lambda: Encoder(str(folder)).encode(["a"]))


def test_code_beside_a_translator_is_not_run(model: Path, mark: Path) -> None:
    code(model / "own.py", mark)
    remember(
        model / "config.json", model_type="own", auto_map={"AutoConfig": "own.C", "AutoModelForSeq2SeqLM": "own.M"}
    )
    one_line(lambda: load_translator(str(model)))


def test_code_beside_an_adapter_is_not_run(model: Path, tmp_path: Path, mark: Path, monkeypatch) -> None:
    from peft import LoraConfig, get_peft_model

    from components.generation.models import load_model
    from tests.tiny import tiny_gemma

    adapter = tmp_path / "adapter"
    get_peft_model(tiny_gemma(), LoraConfig(r=2, target_modules="all-linear")).save_pretrained(adapter)
    code(adapter / "own.py", mark)
    monkeypatch.syspath_prepend(tmp_path)
    remember(adapter / "adapter_config.json", megatron_config={"a": 1}, megatron_core="adapter.own")
    with pytest.raises(ValueError, match="megatron_core"):
        load_model(entry_of(model), "float32", adapter)


def test_code_beside_data_is_not_run(tmp_path: Path, mark: Path) -> None:
    code(tmp_path / "data" / "data.py", mark)
    code(tmp_path / "data" / "train.py", mark)
    source = SourceParams(
        format="hub", path=str(tmp_path / "data"), split="train", columns=ColumnsParams(question="question")
    )
    one_line(lambda: read_source(source))
