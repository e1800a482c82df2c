"""Where the embeddings of words stand along a training."""

from weakref import WeakKeyDictionary

import plotly.graph_objects as go

from genviz.analysis.training import Organised, organised
from genviz.errors import NotCaptured
from genviz.figures import training as figures
from genviz.recording import Recording
from genviz.views.base import View
from genviz.views.subject import Subject
from genviz.views.training import NEEDS, clock_of, run_controls, run_of

_NOTE = "Colours: groups at the last step (k-means in all {} channels), the same at every step."
_KNOWN: WeakKeyDictionary[Recording, Organised] = WeakKeyDictionary()


def _draw(subject: Subject, *, theme: str, checkpoint: int, prompt: str = "") -> go.Figure:
    recording = run_of(subject, prompt)
    tables = [entry for entry in recording.entries(kind="embedding") if entry.step is not None]
    if len(tables) < 2:
        raise NotCaptured("embeddings of one step only were captured: a map over training needs several")
    if recording not in _KNOWN:
        _KNOWN[recording] = organised([entry.load() for entry in tables])
    return figures.training_map(
        _KNOWN[recording],
        recording.info["training"]["names"],
        clock_of(recording, checkpoint),
        note=_NOTE.format(tables[0].shape[1]),
        theme=theme,
    )


training_map = View(
    name="training_map",
    title="Words find their places",
    question="Which words come to stand together as the model learns?",
    needs=(NEEDS,),
    controls=run_controls,
    draw=_draw,
)
