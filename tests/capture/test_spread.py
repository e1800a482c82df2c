"""Spread over processes, compiled, traced, exported, quantised: models work, or say so before the run."""

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import distributed, nn
from torch.nn import functional

from genviz.capture import record
from genviz.errors import CaptureError
from genviz.recording import Recording
from tests.capture.models import HandWritten

IDS = torch.arange(10).reshape(2, 5)
BACKENDS = ("eager", "aot_eager")


@pytest.fixture(scope="module")
def group() -> Iterator[None]:
    """One process that is a group of its own."""
    if not (distributed.is_available() and distributed.is_gloo_available()):
        pytest.skip("this PyTorch was built without gloo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}.items():
            patch.setitem(os.environ, name, value)
        distributed.init_process_group("gloo", rank=0, world_size=1)
        yield
        distributed.destroy_process_group()


def handwritten() -> HandWritten:
    torch.manual_seed(0)
    return HandWritten()


def ddp(model: nn.Module) -> nn.Module:
    return nn.parallel.DistributedDataParallel(model)


def fsdp(model: nn.Module, **options: Any) -> nn.Module:
    from torch.distributed.fsdp import FullyShardedDataParallel
    from torch.distributed.fsdp.wrap import ModuleWrapPolicy

    blocks = {type(block) for block in getattr(model, "blocks", [])}
    policy = ModuleWrapPolicy(blocks) if blocks else None
    return FullyShardedDataParallel(model, auto_wrap_policy=policy, device_id=torch.device("cpu"), **options)


def fsdp_original(model: nn.Module) -> nn.Module:
    return fsdp(model, use_orig_params=True)


def sharded(model: nn.Module) -> nn.Module:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (1,))
    for block in getattr(model, "blocks", []):
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return model


@pytest.mark.usefixtures("group")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("spread", [ddp, fsdp, fsdp_original, sharded])
def test_a_spread_model_is_recorded_as_the_model_itself(spread: Callable[[nn.Module], nn.Module]) -> None:
    model = handwritten()
    with record(model) as expected:
        model(IDS)
    model = spread(handwritten())  # type: ignore[assignment]
    bare = model(IDS)
    bare.sum().backward()
    gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    with record(model) as recording:
        out = model(IDS)
        out.sum().backward()
    assert torch.equal(bare, out)
    for parameter, before in zip(model.parameters(), gradients, strict=True):
        assert (parameter.grad is None) == (before is None)
        assert before is None or torch.equal(_local(parameter.grad), _local(before))
    found = {(e.site, e.kind, e.call): e for e in recording.entries()}
    wanted = {(e.site, e.kind, e.call): e for e in expected.entries()}
    lost = {("", "position", 0)} if spread is fsdp else set()
    assert found.keys() == wanted.keys() - lost
    for at, entry in found.items():
        np.testing.assert_array_equal(entry.load(), wanted[at].load())
    assert recording.info["network"]["class"] == recording.info["provenance"]["model"] == "HandWritten"
    assert recording.info["facts"]["n_params"] == expected.info["facts"]["n_params"]
    assert bool(lost) == any(
        item.reason.startswith("FSDP keeps the parameters") for item in recording.missing
    )


def _local(tensor: Any) -> torch.Tensor:
    found: torch.Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return found


@pytest.mark.usefixtures("group")
@pytest.mark.filterwarnings("ignore")
def test_gradients_that_pass_by_are_told() -> None:
    from torch.distributed.fsdp import fully_shard

    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    fully_shard(model[0])
    fully_shard(model)
    with record(model) as recording:
        model(torch.randn(3, 4)).sum().backward()
    reasons = {item.kind: item.reason for item in recording.missing if item.site == "0"}
    assert reasons["weight_gradient"].startswith("fully_shard gathers its parameters for each run")
    assert recording.entry("0", "weight").shape == (8, 4)


# -- torch.compile ---------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    yield
    torch._dynamo.reset()


def refusal(model: nn.Module) -> str:
    with pytest.raises(CaptureError) as caught, record(model):
        raise AssertionError("the block must not run")
    return str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_compiled_is_refused(backend: str) -> None:
    assert "compiled._orig_mod" in refusal(torch.compile(handwritten(), backend=backend))  # type: ignore[arg-type]
    model = handwritten()
    model.blocks[0].compile(backend=backend)
    assert "'blocks.0' (Block) is compiled in place" in refusal(model) or "blocks.0" in refusal(model)
    model = handwritten()
    model.forward = torch.compile(model.forward, backend=backend)  # type: ignore[method-assign]
    assert refusal(model) == (
        "the model (HandWritten) has a forward that was compiled by torch.compile, whose code runs past "
        "every hook: put the original back (del module.forward) for the with block"
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_original_is_recorded_after_a_compiled_run(backend: str) -> None:
    model = handwritten().eval()
    with torch.no_grad():
        compiled: Any = torch.compile(model, backend=backend)
        first = compiled(IDS)
        with record(compiled._orig_mod) as recording:
            out = model(IDS)
        assert torch.equal(compiled(IDS), first)
    assert recording.sites(kind="attention") == ("blocks.0.attn", "blocks.1.attn")
    torch.testing.assert_close(out, first)


def calling(model: nn.Module) -> Callable[[torch.Tensor], Any]:
    def around(ids: torch.Tensor) -> Any:
        return model(ids)

    return around


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", BACKENDS)
def test_compiled_code_that_runs_inside_a_block_is_told(backend: str) -> None:
    """A compiled function around the model: nothing of it shows on the model before it runs."""
    model = handwritten().eval()
    with torch.no_grad():
        around: Any = torch.compile(calling(model), backend=backend)
        with record(model) as recording:
            first = around(IDS)
        assert len(recording) == 0
        assert "compiled code run past every hook" in recording.missing[0].reason
        with record(model) as recording:
            model(IDS)
        assert len(recording) > 0
        assert torch.equal(around(IDS), first)


# -- TorchScript, export ---------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_traced_and_exported_models_are_refused() -> None:
    traced = torch.jit.trace(handwritten().eval(), IDS)
    assert "is TorchScript, which runs outside Python" in refusal(traced)
    parts = nn.Sequential(torch.jit.trace(nn.Linear(4, 4), torch.randn(1, 4)), nn.ReLU())
    assert refusal(parts).startswith("the model's '0' (TopLevelTracedModule) is TorchScript")
    exported = torch.export.export(handwritten().eval(), (IDS,)).module()
    assert refusal(exported).endswith(
        "is an exported graph, which holds parts but runs none of them: record the module that it was "
        "exported from"
    )


@pytest.mark.filterwarnings("ignore")
def test_tracing_inside_a_block_leaves_nothing_of_it_in_the_trace() -> None:
    model = handwritten().eval()
    with record(model) as recording:
        traced = torch.jit.trace(model, IDS)
    assert len(recording) > 0  # the checks that trace() itself runs
    torch.testing.assert_close(traced(IDS), model(IDS))


def test_a_symbolic_trace_works() -> None:
    model = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))
    with record(model) as recording:
        model(torch.randn(2, 4))
    assert recording.sites(kind="weighted_sum") == ("0",)


# -- quantised -------------------------------------------------------------------------------------


class WeightOnly(nn.Module):
    """A linear layer whose weights lie in int8 and are made floats again at each run."""

    weight: torch.Tensor
    scale: torch.Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features, self.bias = linear.in_features, linear.out_features, linear.bias
        full = linear.weight.detach()
        self.register_buffer("scale", full.abs().amax(1, keepdim=True) / 127)
        self.register_buffer("weight", (full / self.scale).round().to(torch.int8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self.weight * self.scale, self.bias)


def weight_only(model: nn.Module) -> nn.Module:
    for name, child in list(model.named_children()):
        setattr(model, name, WeightOnly(child) if isinstance(child, nn.Linear) else weight_only(child))
    return model


def dynamic(model: nn.Module) -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, torch.qint8)  # type: ignore[no-any-return]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("quantise", [weight_only, dynamic])
def test_quantised_models_work_and_say_what_is_not_there(quantise: Callable[[nn.Module], nn.Module]) -> None:
    model = quantise(handwritten().eval())
    bare = model(IDS)
    with record(model) as recording:
        out = model(IDS)
    assert torch.equal(bare, out)
    assert recording.sites(kind="attention") == ("blocks.0.attn", "blocks.1.attn")
    assert len(recording.sites(kind="contribution")) == 4
    layers = quantise(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)).eval())
    with record(layers) as recording:
        layers(torch.randn(2, 4))
    assert recording.sites(kind="activation") == ("0", "1", "2")
    assert told(recording) == dict.fromkeys(
        ("0", "2"), "its weights are quantised: what it computes is recorded, they are not"
    )


def told(recording: Recording) -> dict[str, str]:
    return {item.site: item.reason for item in recording.missing if item.kind == "weight"}
