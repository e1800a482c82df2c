"""Recordings: labelled arrays captured from runs, readable without torch and without the model."""

from genviz.recording.entry import Entry, Missing
from genviz.recording.recording import Recording, load

__all__ = ["Entry", "Missing", "Recording", "load"]
