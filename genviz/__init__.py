"""See inside any PyTorch generative model: attach with one line, look in the browser, take it to a slide.

Names are loaded when they are first used, so that ``import genviz`` stays light.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genviz import views
    from genviz.capture import record
    from genviz.export import write
    from genviz.live import GAN, Autoencoder, Forecaster, LanguageModel, Perceptron
    from genviz.recording import Recording, load
    from genviz.showing import show

__version__ = "0.1.0"
__all__ = [
    "GAN",
    "Autoencoder",
    "Forecaster",
    "LanguageModel",
    "Perceptron",
    "Recording",
    "load",
    "record",
    "show",
    "views",
    "write",
]

# The public names and where each lives; `views` is a package and is handed out whole.
_HOMES = {
    "Autoencoder": "genviz.live",
    "Forecaster": "genviz.live",
    "GAN": "genviz.live",
    "LanguageModel": "genviz.live",
    "Perceptron": "genviz.live",
    "Recording": "genviz.recording",
    "load": "genviz.recording",
    "record": "genviz.capture",
    "show": "genviz.showing",
    "write": "genviz.export",
}


def __getattr__(name: str) -> Any:
    if name == "views":
        return importlib.import_module("genviz.views")
    if name not in _HOMES:
        raise AttributeError(f"module 'genviz' has no attribute {name!r}: its names are {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value  # found directly from now on, and not shadowed by the submodule of the same name
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
