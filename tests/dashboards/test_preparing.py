"""What is prepared behind the page: once, after the last picture, for subjects that have a use for it."""

import threading
import time
from dataclasses import replace

import pytest

from dashboards import preparing
from dashboards.preparing import Preparing
from genviz.views import Subject, latent_map, projecting
from tests.views.subjects import autoencoder, transformer


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    times: list[float] = []
    view = replace(latent_map, prepare=lambda: times.append(time.monotonic()))
    monkeypatch.setattr(preparing, "VIEWS", (view,))
    return times


def waited(begun: list[float], seconds: float = 3.0) -> bool:
    ends = time.monotonic() + seconds
    while not begun and time.monotonic() < ends:
        time.sleep(0.01)
    return bool(begun)


def test_once_and_only_when_no_more_pictures_come(begun: list[float]) -> None:
    subject = Subject("VAE", recording=autoencoder())
    ready = Preparing(pause=0.3)
    for _ in range(5):
        ready.drawn(subject)
        time.sleep(0.1)
    last = time.monotonic() - 0.1
    assert waited(begun)
    assert begun[0] - last > 0.25
    ready.drawn(subject)
    time.sleep(0.5)
    assert len(begun) == 1


def test_a_subject_without_maps_prepares_nothing(begun: list[float]) -> None:
    ready = Preparing(pause=0.01)
    ready.drawn(Subject("decoder", recording=transformer()))
    time.sleep(0.2)
    assert not begun


def test_a_closed_dashboard_begins_nothing(begun: list[float]) -> None:
    ready = Preparing(pause=0.1)
    subject = Subject("VAE", recording=autoencoder())
    ready.drawn(subject)
    ready.close()
    ready.drawn(subject)
    time.sleep(0.3)
    assert not begun


def test_what_cannot_be_prepared_disturbs_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = threading.Event()

    def broken() -> None:
        tried.set()
        raise OSError("no such thing")

    monkeypatch.setattr(preparing, "VIEWS", (replace(latent_map, prepare=broken),))
    Preparing(pause=0.01).drawn(Subject("VAE", recording=autoencoder()))
    assert tried.wait(3)
    time.sleep(0.05)
    assert "could not be prepared: no such thing" in caplog.text


def test_the_map_of_codes_asks_for_umap_to_be_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Engine:
        def submit(self, ability: str) -> None:
            asked.append(ability)

    monkeypatch.setattr(projecting, "_ENGINE", [Engine()])
    assert latent_map.prepare is not None
    latent_map.prepare()
    assert asked == ["warm"]
