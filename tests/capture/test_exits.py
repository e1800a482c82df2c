"""However the block is left, every hook table and replaced function is what it was."""

import gc
import resource
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from genviz.capture import hooks, record, stand_ins
from tests.capture.exits import EXITS
from tests.capture.models import HandWritten, hugging_face
from tests.capture.proofs import tables, tables_unchanged

IDS = torch.arange(10).reshape(2, 5)

MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], Any]]] = {
    "hand-written": (HandWritten, lambda m: m(IDS)),
    "gpt2": (lambda: hugging_face("gpt2"), lambda m: m(IDS)),
    "torch": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 1),
        lambda m: m(torch.zeros(2, 3, 16)),
    ),
}


@pytest.mark.parametrize("way", EXITS)
@pytest.mark.parametrize("name", MODELS)
def test_tables_are_as_before(name: str, way: str) -> None:
    build, run = MODELS[name]
    model = build()
    with tables_unchanged(model):
        EXITS[way](model, run)
    assert not hooks._OPEN
    assert not stand_ins.STANDING
    assert hooks.watchers() == ()


def test_the_check_itself_sees_a_leak() -> None:
    model = HandWritten()
    before = tables(model)
    handle = model.ln.register_forward_hook(lambda *_: None)
    assert tables(model) != before
    handle.remove()
    everywhere = nn.modules.module.register_module_forward_hook(lambda *_: None)
    assert tables(model) != before
    everywhere.remove()
    assert tables(model) == before


def test_a_function_that_somebody_wrapped_meanwhile_stays_wrapped() -> None:
    original = functional.scaled_dot_product_attention
    try:
        with record(HandWritten()):
            ours = functional.scaled_dot_product_attention

            def theirs(*args: Any, **kwargs: Any) -> Any:
                return ours(*args, **kwargs)

            functional.scaled_dot_product_attention = theirs
        assert functional.scaled_dot_product_attention is theirs
        x = torch.randn(1, 1, 3, 4)
        assert torch.equal(theirs(x, x, x), original(x, x, x))
    finally:
        functional.scaled_dot_product_attention = original


def test_a_hook_that_changes_the_output_is_seen_changed() -> None:
    """Steering: what flows on is what is recorded."""
    model = HandWritten().eval()
    handle = model.blocks[0].register_forward_hook(lambda module, args, output: output * 2)
    made: list[torch.Tensor] = []
    model.blocks[1].register_forward_pre_hook(lambda module, args: made.append(args[0].clone()))
    with torch.no_grad(), record(model, kinds=["hidden"]) as recording:
        model(IDS)
    handle.remove()
    kept = recording.entry("blocks.0", "hidden").load()
    torch.testing.assert_close(torch.from_numpy(kept), made[0], rtol=0, atol=0)


def test_a_thousand_captures_leave_nothing_behind() -> None:
    model = HandWritten(layers=1).eval()

    def times(count: int) -> None:
        for _ in range(count):
            with torch.no_grad(), record(model):
                model(IDS)
        gc.collect()

    times(30)
    objects, resident = len(gc.get_objects()), _resident()
    with tables_unchanged(model):
        times(1000)
    assert len(gc.get_objects()) - objects < 100
    assert _resident() - resident < 4_000_000  # one leaked recording each would be 8 MB


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_a_model_is_not_kept_alive() -> None:
    model = HandWritten()
    with record(model) as recording:
        model(IDS)
    watched = weakref.ref(model)
    del model
    gc.collect()
    assert watched() is None
    assert len(recording)
