"""Eight threads over one model: each sees its own calls, and only those."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from genviz.capture import record
from tests.capture.models import HandWritten, hugging_face
from tests.capture.proofs import tables_unchanged


@pytest.mark.parametrize("name", ["hand-written", "gpt2"])
def test_no_record_is_mixed(name: str) -> None:
    model = HandWritten().eval() if name == "hand-written" else hugging_face(name)
    rounds, threads = 25, 8
    barrier = threading.Barrier(threads)

    def work(number: int) -> int:
        barrier.wait()
        wrong = 0
        for round_ in range(rounds):
            length = 3 + (number + round_) % 5
            ids = torch.full((1, length), number + 5)
            with torch.no_grad(), record(model) as recording:
                model(ids)
            found = recording.entries(kind="ids")
            wrong += len(found) != 1 or not np.array_equal(found[0].load(), ids.numpy())
            wrong += any(length not in entry.shape for entry in recording.entries(kind="hidden"))
            wrong += len(recording.entries(kind="hidden")) != 2
            wrong += len(recording.sites(kind="attention")) != 2
        return wrong

    with tables_unchanged(model), ThreadPoolExecutor(threads) as pool:
        assert sum(pool.map(work, range(threads))) == 0


def test_a_thread_without_a_capture_is_not_recorded() -> None:
    model = HandWritten().eval()
    with record(model) as recording:
        thread = threading.Thread(target=lambda: model(torch.tensor([[1, 2]])))
        thread.start()
        thread.join()
    assert len(recording) == 0
    assert any("did not run inside the with block" in item.reason for item in recording.missing)


def test_a_thread_that_takes_the_context_along_is_recorded() -> None:
    model = HandWritten().eval()
    with record(model) as recording:
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(model, torch.tensor([[1, 2]])))
        thread.start()
        thread.join()
    assert recording.entry("tok", "ids").load().tolist() == [[1, 2]]


def test_tasks_of_one_thread_are_apart() -> None:
    model = HandWritten().eval()

    async def work(number: int) -> list[list[int]]:
        with record(model) as recording:
            await asyncio.sleep(0)
            model(torch.tensor([[number]]))
            await asyncio.sleep(0)
        return [entry.load().tolist()[0] for entry in recording.entries(kind="ids")]

    async def both() -> list[list[list[int]]]:
        return await asyncio.gather(*(work(number) for number in range(5)))

    assert asyncio.run(both()) == [[[number]] for number in range(5)]
