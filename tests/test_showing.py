"""``genviz.show``: in a notebook a frame with a running server, elsewhere the dashboard until Ctrl-C."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import requests

import genviz
from genviz import showing
from genviz.errors import NotApplicable
from tests.views.subjects import transformer


class ZMQInteractiveShell:
    """What Jupyter's kernel calls its shell."""


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A notebook's IPython, and what it was told to display."""
    shown: list[Any] = []
    display = ModuleType("IPython.display")
    display.IFrame = lambda url, width, height: SimpleNamespace(url=url)  # type: ignore[attr-defined]
    display.display = shown.append  # type: ignore[attr-defined]
    shell = ModuleType("IPython")
    shell.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def test_a_notebook_gets_a_frame_that_works(notebook: list[Any]) -> None:
    recording = transformer()
    running = genviz.show(recording, port=0)
    try:
        (frame,) = notebook
        assert frame.url == running.url
        assert frame.url.startswith("http://127.0.0.1:")
        answer = requests.get(frame.url, timeout=30)
        assert answer.status_code == 200
        allowed = answer.headers["Content-Security-Policy"].split("frame-ancestors")[1].split(";")[0]
        assert "'none'" not in allowed
        assert "http://localhost:*" in allowed
        assert "X-Frame-Options" not in answer.headers
    finally:
        running.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(frame.url, timeout=5)


def test_elsewhere_it_serves_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    served: dict[str, Any] = {}
    monkeypatch.setattr(
        "dashboards.server.serve", lambda subjects, **how: served.update(how, subjects=subjects)
    )
    assert not showing.in_notebook()
    assert genviz.show(transformer(), open_browser=False) is None
    assert [subject.recording is not None for subject in served["subjects"]] == [True]
    assert served["host"] == "127.0.0.1"
    assert served["open_browser"] is False


def test_an_ipython_terminal_is_no_notebook(notebook: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert showing.in_notebook()
    shell: Any = sys.modules["IPython"]
    monkeypatch.setattr(shell, "get_ipython", lambda: None)
    assert not showing.in_notebook()


def test_an_unknown_sample_says_which_there_are() -> None:
    with pytest.raises(
        NotApplicable, match=r"no sample 'nope': the samples are .*digits_autoencoder, digits_vae"
    ):
        showing.sample_subjects(["nope"])
