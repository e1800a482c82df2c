"""The door itself: options, sites, kinds, tokens, writing to disk, and every refusal in words."""

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import genviz
from genviz.capture import describe, record, verify
from genviz.capture.families import FAMILIES, Family, Plan, Tap
from genviz.errors import CaptureError, NotCaptured, RecordingError, TokenMismatch, UnknownSite
from tests.capture.models import HandWritten

IDS = torch.arange(5)[None]
TOKENS = list("abcde")


def test_the_line_in_the_readme() -> None:
    model = HandWritten().eval()
    with genviz.record(model, tokens=TOKENS) as recording:
        model(IDS)
    read = recording.attention("blocks.0.attn", head=2)
    assert read.dims == ("query", "key")
    assert list(read.coords["key"].values) == TOKENS
    assert recording.attention("blocks.0.attn", head=2, query="c", key=[0, 1]).shape == (1, 2)
    assert isinstance(recording, genviz.Recording)
    assert "blocks.0.attn" in repr(recording)


# -- sites and kinds -------------------------------------------------------------------------------


def test_only_the_kinds_asked_for() -> None:
    model = HandWritten()
    with record(model, kinds=["hidden", "logits"]) as recording:
        model(IDS)
    assert set(recording.kinds()) == {"hidden", "top_logits", "top_ids", "logsumexp"}
    assert recording.missing == ()


def test_only_the_sites_asked_for() -> None:
    model = HandWritten()
    with record(model, sites=["blocks.*.attn", "head"]) as recording:
        model(IDS)
    assert set(recording.sites()) == {"blocks.0.attn", "blocks.1.attn", "head"}
    assert recording.kinds("head") == ("activation",)


def test_a_module_can_be_given_a_kind() -> None:
    model = nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 6))
    with record(model, sites={"0": "latent", "1": "reconstruction"}) as recording:
        model(torch.zeros(3, 6))
    assert recording["0", "latent"].dims == ("sample", "latent")
    assert recording.sites() == ("0", "1")


def test_a_family_can_be_named_or_given() -> None:
    class Mine(Family):
        name = "mine"

        def recognise(self, network: Any) -> float:
            return 0.0

        def plan(self, network: Any) -> Plan:
            return Plan((Tap("ln", "hidden"), Tap("tok", "ids", take=lambda call: call.args[0])))

    model = HandWritten()
    with record(model, family=Mine()) as recording:
        model(IDS)
    assert recording.sites(kind="hidden") == ("ln",)
    assert recording.info["provenance"]["family"] == "mine"
    with record(model, family="plain") as recording:
        model(IDS)
    assert "activation" in recording.kinds("ln")


def test_a_family_that_fails_does_not_stop_the_run() -> None:
    class Broken(Family):
        name = "broken"

        def recognise(self, network: Any) -> float:
            return 0.0

        def plan(self, network: Any) -> Plan:
            return Plan((Tap("ln", "hidden", take=lambda call: call.args[7]),))

    model = HandWritten()
    with record(model, family=Broken(), kinds=["hidden"]) as recording:
        model(IDS)
    assert [item.reason for item in recording.missing] == [
        "reading it failed (IndexError: tuple index out of range)"
    ]


def test_gradients_are_kept_when_a_backward_pass_reaches_them() -> None:
    class Gradients(Family):
        name = "gradients"

        def recognise(self, network: Any) -> float:
            return 0.0

        def plan(self, network: Any) -> Plan:
            def weight(call: Any) -> torch.Tensor:
                found: torch.Tensor = call.module.weight
                return found

            return Plan(
                (
                    Tap("0", "gradient", when="gradient"),
                    Tap("0", "weight_gradient", take=weight, when="gradient"),
                )
            )

    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 1))
    twin = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 1))
    twin.load_state_dict(model.state_dict())
    x = torch.randn(5, 4)
    twin(x).sum().backward()
    with record(model, family=Gradients()) as recording:
        model(x).sum().backward()
    assert torch.equal(model[0].weight.grad, twin[0].weight.grad)  # type: ignore[arg-type]
    np.testing.assert_array_equal(recording.entry("0", "weight_gradient").load(), twin[0].weight.grad)
    last: Any = twin[1]
    np.testing.assert_allclose(recording.entry("0", "gradient").load(), last.weight.detach().expand(5, 3))
    with record(model, family=Gradients()) as recording:
        out = model(x)
    out.sum().backward()
    assert {item.reason for item in recording.missing} == {
        "no backward pass reached it inside the with block"
    }
    with torch.no_grad(), record(model, family=Gradients()) as recording:
        model(x)
    assert "no_grad" in recording.missing[0].reason


# -- refusals --------------------------------------------------------------------------------------


def refusal(model: Any, **options: Any) -> str:
    with pytest.raises(CaptureError) as caught, record(model, **options):
        raise AssertionError("the block must not run")
    return str(caught.value)


def test_what_is_not_a_model() -> None:
    assert refusal("gpt2") == (
        "record() attaches to a torch.nn.Module, or to a dict of them by name; got str: "
        "pass the model itself (of a pipeline, its .model)"
    )
    assert "a dict holding a int" in refusal({"generator": 3})
    assert "got dict" in refusal({})


def test_an_empty_model() -> None:
    assert refusal(nn.Sequential()) == (
        "nothing to record in Sequential: it has no submodules and no parameters; pass the model that runs"
    )


def test_an_unknown_site() -> None:
    with pytest.raises(UnknownSite) as caught, record(nn.Sequential(nn.Linear(2, 2)), sites=["layers.9"]):
        pass
    assert str(caught.value) == "no site 'layers.9': this model has 0"


def test_an_unknown_kind_family_or_option() -> None:
    assert refusal(HandWritten(), kinds=["atention"]).startswith(
        "no kind 'atention': the kinds are ids, embedding"
    )
    names = ", ".join(family.name for family in FAMILIES)
    assert refusal(HandWritten(), family="transfomer") == f"no family 'transfomer': the families are {names}"
    assert refusal(HandWritten(), topk=3).startswith(
        "record() has no option 'topk': its further options are logits, top"
    )
    assert refusal(HandWritten(), logits="some") == "logits='some': choose 'top', 'all' or None"
    assert refusal(HandWritten(), top=0) == "top=0: a whole number of logits per token is needed, 1 or more"
    assert "no kind 'code'" in refusal(HandWritten(), sites={"ln": "code"})


def test_a_compiled_model_is_refused_before_the_run() -> None:
    model = HandWritten()
    assert refusal(torch.compile(model)) == (
        "the model (OptimizedModule) is compiled by torch.compile, whose code runs past every hook: "
        "record the module "
        "that was compiled (compiled._orig_mod) and call that inside the with block"
    )
    model.blocks[0] = torch.compile(model.blocks[0])  # type: ignore[assignment]
    assert refusal(model).startswith("the model's 'blocks.0' (OptimizedModule) is compiled")
    whole = HandWritten()
    whole.compile()
    assert "compiled in place by Module.compile()" in refusal(whole)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_and_data_parallel_are_refused() -> None:
    scripted = torch.jit.script(nn.Sequential(nn.Linear(2, 2)))
    assert "is TorchScript, which runs outside Python" in refusal(scripted)
    spread = nn.DataParallel(nn.Linear(2, 2))
    spread.device_ids = [0, 1]
    assert "spreads a batch over several devices" in refusal(spread)


@pytest.mark.filterwarnings("ignore:Using `torch.compile")
def test_a_compiled_copy_called_instead_is_reported() -> None:
    """Recording the original while a compiled wrapper runs: nothing is seen, and that is said."""
    model = HandWritten().eval()
    compiled = torch.compile(model, backend="eager")
    expected = compiled(IDS)
    with record(model, kinds=["hidden"]) as recording:
        assert torch.equal(compiled(IDS), expected)
    assert len(recording) == 0
    assert recording.missing[0].reason.startswith("the model did not run inside the with block")
    with record(
        model, kinds=["hidden"]
    ) as recording:  # compiling inside a capture leaves nothing of it in the code
        torch._dynamo.reset()
        compiled(IDS)
    assert torch.equal(compiled(IDS), expected)
    assert len(recording) == 0


def test_wrappers_are_left_out_of_names() -> None:
    wrapped = nn.DataParallel(HandWritten().eval())
    wrapped.device_ids = []
    with torch.no_grad(), record(wrapped) as recording:
        wrapped.module(IDS)
    assert "blocks.0.attn" in recording.sites(kind="attention")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_dynamically_quantised_model_works() -> None:
    quantised = torch.ao.quantization.quantize_dynamic(HandWritten().eval(), {nn.Linear}, torch.qint8)
    bare = quantised(IDS)
    with record(quantised) as recording:
        out = quantised(IDS)
    assert torch.equal(bare, out)
    assert recording.sites(kind="attention") == ("blocks.0.attn", "blocks.1.attn")
    assert len(recording.sites(kind="contribution")) == 4


def test_the_meta_device_and_vmap_say_why() -> None:
    linear = nn.Sequential(nn.Linear(3, 3))
    with record(linear.to("meta"), sites={"0": "activation"}) as recording:
        linear(torch.zeros(2, 3, device="meta"))
    assert recording.missing[0].reason == "the model ran on the meta device, which computes no values"
    linear = nn.Sequential(nn.Linear(3, 3))
    with record(linear, sites={"0": "activation"}) as recording:
        torch.func.vmap(linear)(torch.randn(4, 3))
    assert (
        recording.missing[0].reason == "it ran inside torch.func (vmap or grad), where values cannot be kept"
    )


def test_no_call_is_not_an_empty_success() -> None:
    model = HandWritten()
    with record(model) as recording:
        pass
    assert recording.missing[0].reason.startswith("the model did not run inside the with block")
    assert "not captured" in repr(recording)
    with record(model) as recording:
        model.forward(IDS)  # past the hooks of the model, not of its parts
    lost = {(item.site, item.kind): item.reason for item in recording.missing}
    assert "a direct .forward()" in lost["", "logits"]
    assert recording.sites(kind="hidden") == ("blocks.0", "blocks.1")


def test_a_model_without_attention_says_nothing_of_attention() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    with record(model, family="plain") as recording:
        model(torch.zeros(1, 1, 5, 5))
    assert recording.sites(kind="attention") == ()
    with pytest.raises(UnknownSite, match="no site 'attn': this recording has 0, 1"):
        recording.attention("attn")


# -- tokens ----------------------------------------------------------------------------------------


def test_too_few_tokens_stop_the_run() -> None:
    model = HandWritten()
    with pytest.raises(TokenMismatch) as caught, record(model, tokens=["a", "b"]):
        model(IDS)
    assert str(caught.value) == (
        "tokens= has 2 tokens, but the model was given 5: give a token for every position, special "
        "tokens and "
        "padding included"
    )


def test_too_many_tokens_are_told_at_the_end() -> None:
    model = HandWritten()
    with pytest.raises(TokenMismatch) as caught, record(model, tokens=list("abcdefg")):
        model(IDS)
    assert str(caught.value) == (
        "tokens= has 7 tokens, but the model was given 5: give a token for every position, and no more"
    )


def test_tokens_for_another_number_of_samples() -> None:
    model = HandWritten()
    with (
        pytest.raises(TokenMismatch, match=r"for 2 samples, but the model was run on 1: give one list"),
        record(model, tokens=[TOKENS, TOKENS]),
    ):
        model(IDS)


@pytest.mark.parametrize("tokens", ["abcde", 5, ["a", ["b"]]])
def test_tokens_that_are_no_list_of_strings(tokens: Any) -> None:
    with pytest.raises(CaptureError, match="strings"):
        record(HandWritten(), tokens=tokens)


def test_a_tokenizer_gives_the_tokens() -> None:
    model = HandWritten()

    class Tokenizer:
        def decode(self, ids: list[int]) -> str:
            return f"t{ids[0]}"

    with record(model, tokenizer=Tokenizer()) as recording:
        model(IDS)
    assert recording.tokens == (("t0", "t1", "t2", "t3", "t4"),)


def test_labels_go_along() -> None:
    model = HandWritten()
    with record(model, labels={"class": np.array([3, 4])}, title="Two", about="words") as recording:
        model(IDS.expand(2, -1))
    assert recording.labels("class").tolist() == [3, 4]
    assert (recording.info["title"], recording.info["about"]) == ("Two", "words")


# -- writing ---------------------------------------------------------------------------------------


def test_a_training_loop_writes_as_it_goes(tmp_path: Path) -> None:
    model = HandWritten(layers=1)
    path = tmp_path / "run.genviz"
    with record(model, to=path, kinds=["hidden", "attention"]) as recording:
        for step in (0, 10, 20):
            model(IDS)
            recording.flush(step)
            seen = genviz.load(path)
            assert [entry.step for entry in seen.entries(kind="hidden")] == list(range(0, step + 1, 10))
            assert "network" in seen.info
    read = genviz.load(path)
    assert [entry.call for entry in read.entries(kind="hidden")] == [0, 1, 2]
    assert read["blocks.0", "hidden"].dims == ("step", "sample", "token", "channel")
    assert read.info["facts"] == recording.info["facts"]
    assert read.missing == recording.missing
    for one, other in zip(recording.entries(), read.entries(), strict=True):
        assert one.described() == other.described()
        np.testing.assert_array_equal(one.load(), other.load())


def test_steps_without_a_folder(tmp_path: Path) -> None:
    model = HandWritten(layers=1)
    with record(model, kinds=["hidden"]) as recording:
        for step in (0, 5):
            model(IDS)
            recording.flush(step)
        model(IDS)
    assert [entry.step for entry in recording.entries()] == [0, 5, None]
    recording.save(tmp_path / "kept.genviz")
    assert len(genviz.load(tmp_path / "kept.genviz")) == 3


def test_what_was_captured_before_an_error_is_on_disk(tmp_path: Path) -> None:
    model = HandWritten(layers=1)
    with suppress(KeyboardInterrupt), record(model, to=tmp_path / "run.genviz"):
        model(IDS)
        raise KeyboardInterrupt
    assert genviz.load(tmp_path / "run.genviz").sites(kind="hidden") == ("blocks.0",)


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "run.genviz").mkdir()
    (tmp_path / "run.genviz" / "mine").write_text("x")
    with (
        pytest.raises(RecordingError, match="exists already"),
        record(HandWritten(), to=tmp_path / "run.genviz"),
    ):
        raise AssertionError("the block must not run")


def test_a_killed_run_leaves_what_was_flushed(tmp_path: Path) -> None:
    code = """
        import os, signal, sys, torch
        from genviz.capture import record
        from tests.capture.models import HandWritten
        torch.manual_seed(0)
        model = HandWritten(layers=1)
        with record(model, to=sys.argv[1], kinds=["hidden"]) as recording:
            model(torch.arange(5)[None]); recording.flush(0)
            model(torch.arange(5)[None])
            os.kill(os.getpid(), signal.SIGKILL)
    """
    path = tmp_path / "run.genviz"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    read = genviz.load(path)
    torch.manual_seed(0)
    model = HandWritten(layers=1)
    with record(model, kinds=["hidden"]) as expected:
        model(IDS)
    np.testing.assert_array_equal(
        read.entry("blocks.0", "hidden").load(), expected.entry("blocks.0", "hidden").load()
    )


# -- info ------------------------------------------------------------------------------------------


def test_the_network_is_described_with_shapes() -> None:
    model = HandWritten()
    with record(model) as recording:
        model(IDS)
    tree = recording.info["network"]
    assert tree["class"] == "HandWritten"
    assert tree["shape"] == [1, 5, 50]
    assert [child["name"] for child in tree["children"]] == ["tok", "blocks", "ln", "head"]
    assert tree["children"][1]["shape"] is None  # a list of modules does not run
    assert tree["parameters"] == sum(p.numel() for p in model.parameters())
    provenance = recording.info["provenance"]
    assert provenance["model"] == "HandWritten"
    assert provenance["device"] == "cpu"
    assert provenance["dtype"] == "float32"
    assert provenance["versions"]["torch"] == torch.__version__


def test_a_shared_parameter_is_counted_once() -> None:
    model = HandWritten()
    model.head.weight = model.tok.weight
    model.again = model.ln
    found = describe(model)
    assert found["network"]["parameters"] == sum(p.numel() for p in model.parameters())
    assert found["network"]["children"][-1]["parameters"] == 0
    children = found["network"]["parameters"] - model.pos.numel()
    assert children == sum(child["parameters"] for child in found["network"]["children"])


def test_several_models_stand_side_by_side() -> None:
    parts = {"generator": nn.Linear(2, 3), "discriminator": nn.Linear(3, 1)}
    found = describe(parts)
    assert [child["name"] for child in found["network"]["children"]] == ["generator", "discriminator"]
    assert found["facts"]["n_params"] == 9 + 4
    with record(parts, family="plain") as recording:
        parts["discriminator"](parts["generator"](torch.zeros(1, 2)))
    assert set(recording.sites()) == {"generator", "discriminator"}


def test_verify_needs_a_recording_that_was_checked() -> None:
    with record(HandWritten()) as recording:
        pass
    with pytest.raises(NotCaptured, match=r"capture it with record\(model, verify=True\)"):
        verify(recording)
