"""Every family × every mode: outputs, gradients, buffers, random numbers and flags are the same bits."""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch

from genviz.capture import record
from tests.capture.proofs import equal, state, tensors
from tests.contracts.family_models import CASES, made, modules, train
from tests.contracts.family_world import as_before

MODES: dict[str, tuple[bool, Callable[[], AbstractContextManager[Any]]]] = {
    "training": (True, nullcontext),
    "evaluation": (False, nullcontext),
    "no_grad": (False, torch.no_grad),
    "inference": (False, torch.inference_mode),
    "bfloat16": (False, lambda: torch.autocast("cpu", torch.bfloat16)),
}


def everything(model: Any) -> dict[str, Any]:
    return {str(number): state(module) for number, module in enumerate(modules(model))}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CASES)
def test_a_run_is_the_same_bits(name: str, mode: str) -> None:
    training, guard = MODES[mode]
    bare = made(name, training=training)
    next(modules(bare)[0].parameters()).requires_grad_(False)  # somebody froze a part
    seen = copy.deepcopy(bare)
    results: list[tuple[Any, ...]] = []
    for model, recorded in ((bare, False), (seen, True)):
        torch.manual_seed(1)
        with as_before(model), record(model) if recorded else nullcontext(), guard():
            results.append((tensors(CASES[name].run(model)), tensors(CASES[name].run(model))))
        results[-1] = (*results[-1], everything(model))
    (*one, after_one), (*two, after_two) = results
    assert equal(
        dict(enumerate(map(dict, map(enumerate, one)))), dict(enumerate(map(dict, map(enumerate, two))))
    )
    assert equal(after_one, after_two)


@pytest.mark.parametrize("name", CASES)
def test_training_is_the_same_bits(name: str) -> None:
    bare, seen = made(name, training=True), made(name, training=True)
    torch.manual_seed(1)
    expected = torch.stack(list(train(bare, CASES[name].run)))
    torch.manual_seed(1)
    with as_before(seen), record(seen) as recording:
        found = torch.stack(list(train(seen, CASES[name].run)))
    assert torch.equal(expected, found)
    assert equal(everything(bare), everything(seen))
    assert len(recording)


def test_reading_a_weight_that_moves_when_read_is_refused_with_the_reason() -> None:
    bare, seen = made("gan", training=True)["discriminator"], made("gan", training=True)["discriminator"]
    x = torch.ones(3, 64)
    expected = [bare(x) for _ in range(3)]
    with record(seen, family="perceptron") as recording:
        found = [seen(x) for _ in range(3)]
    assert all(torch.equal(one, two) for one, two in zip(expected, found, strict=True))
    assert {item.reason for item in recording.missing if item.kind == "weight"} == {
        "it is computed anew at each reading (spectral norm, …), which may change the model"
    }


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", CASES)
def test_on_a_gpu_a_run_and_its_gradients_are_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    bare, seen = made(name), made(name)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may sum in any order
    request.addfinalizer(lambda: torch.use_deterministic_algorithms(False))
    torch.use_deterministic_algorithms(True, warn_only=True)
    outputs = []
    for model, recorded in ((bare, False), (seen, True)):
        for module in modules(model):
            module.cuda()
        torch.manual_seed(1)
        with record(model) if recorded else nullcontext():
            outputs.append(torch.stack(list(train(model, CASES[name].run))))
        outputs.append(torch.cuda.get_rng_state())
    assert torch.equal(outputs[0], outputs[2])
    assert torch.equal(outputs[1], outputs[3])
    assert equal(everything(bare), everything(seen))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.family == "transformer"])
def test_on_a_gpu_under_autocast_attention_is_what_was_computed(name: str) -> None:
    model = made(name)
    model.cuda()
    with torch.no_grad(), torch.autocast("cuda", torch.bfloat16):
        bare = tensors(CASES[name].run(model))
        with record(model, verify=True) as recording:
            seen = tensors(CASES[name].run(model))
    assert all(torch.equal(one, two) for one, two in zip(bare, seen, strict=True))
    assert recording.sites(kind="attention")
    errors = [entry.attrs["error"] for entry in recording.entries() if "error" in entry.attrs]
    assert max(errors, default=0.0) < 0.05  # bfloat16 keeps 8 bits


# The two others read values while they run.
@pytest.mark.parametrize("name", sorted(CASES.keys() - {"gpt2", "recurrent"}))
def test_on_the_meta_device_a_run_ends_as_without_capture(name: str) -> None:
    """Every part makes its tensors where its inputs are, as a GPU needs it; why nothing is kept is said."""
    model = made(name, training=True)
    for module in modules(model):
        module.to("meta")
    CASES[name].run(model)
    with record(model) as recording:
        CASES[name].run(model)
    assert "the model ran on the meta device, which computes no values" in {
        item.reason for item in recording.missing
    }
    assert not any("quantised" in item.reason for item in recording.missing)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_half_precision_is_kept_in_this_machines_memory() -> None:
    model = made("decoder").cuda().to(torch.bfloat16)
    with torch.no_grad(), record(model) as recording:
        CASES["decoder"].run(model)
    held = torch.cuda.memory_allocated()
    values = [entry.load() for entry in recording.entries()]
    assert torch.cuda.memory_allocated() <= held
    assert {value.dtype.name for value in values} <= {"float32", "int64"}
