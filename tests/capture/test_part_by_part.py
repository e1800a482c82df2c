"""The fused encoder kernel is off where it was asked for, and nowhere else."""

import threading
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn

from genviz.capture import part_by_part, record
from tests.capture.proofs import tables_unchanged

asked = torch.backends.mha.get_fastpath_enabled


def encoder() -> nn.TransformerEncoder:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()


def test_what_the_kernel_hides_is_seen() -> None:
    model, inputs = encoder(), torch.randn(1, 3, 16)
    with torch.no_grad(), tables_unchanged(model):
        expected = model(inputs)
        with part_by_part(model) as changed, record(model) as recording:
            found = model(inputs)
    assert not {each.kind for each in recording.missing} & {"neuron", "contribution", "attention", "hidden"}
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    first = model.layers[0]
    assert isinstance(first, nn.TransformerEncoderLayer)
    with torch.no_grad():
        attended = first.self_attn(inputs, inputs, inputs)[0]
        neurons = torch.relu(first.linear1(first.norm1(inputs + attended)))
    kept = recording.entry("layers.0.linear2", "neuron").load()
    np.testing.assert_allclose(kept, neurons.numpy(), atol=1e-6)
    assert recording.sites(kind="attention") == ("layers.0.self_attn", "layers.1.self_attn")
    assert "off in this run" in changed["fast_path"]


def test_other_threads_keep_the_kernel() -> None:
    model, answers = encoder(), list[bool]()
    with part_by_part(model):
        assert not torch.backends.mha.get_fastpath_enabled()
        thread = threading.Thread(target=lambda: answers.append(torch.backends.mha.get_fastpath_enabled()))
        thread.start()
        thread.join()
    assert answers == [True]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_it_is_on_again_however_the_block_is_left(error: type[BaseException]) -> None:
    model = encoder()
    with tables_unchanged(model):
        with suppress(error), part_by_part(model), record(model):
            raise error
        assert torch.backends.mha.get_fastpath_enabled()


def test_blocks_may_be_nested() -> None:
    model = encoder()
    with part_by_part(model):
        with part_by_part(model) as inner:
            assert not torch.backends.mha.get_fastpath_enabled()
        assert inner == {}, "nothing was changed by the inner one"
        assert not torch.backends.mha.get_fastpath_enabled()
    assert torch.backends.mha.get_fastpath_enabled is asked


def test_a_model_without_such_a_kernel_is_left_alone() -> None:
    with part_by_part(nn.Sequential(nn.Linear(2, 2))) as changed:
        assert torch.backends.mha.get_fastpath_enabled is asked
    assert changed == {}


def test_where_it_is_off_already_nothing_is_claimed() -> None:
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with part_by_part(encoder()) as changed:
            pass
        assert changed == {}
        assert not torch.backends.mha.get_fastpath_enabled()
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


def test_record_alone_leaves_the_kernel_on() -> None:
    model = encoder()
    with torch.no_grad(), record(model) as recording:
        assert torch.backends.mha.get_fastpath_enabled()
        model(torch.zeros(1, 3, 16))
    assert ("layers.0.linear2", "neuron") in {(each.site, each.kind) for each in recording.missing}
    assert "fast_path" not in recording.info["provenance"]
