"""Live models, and the engines that run them.

Names are loaded when they are first used: an engine that runs a model in another process needs no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genviz.live.autoencoder import Autoencoder
    from genviz.live.engine import Engine, InlineEngine
    from genviz.live.forecaster import Forecaster
    from genviz.live.future import Call
    from genviz.live.gan import GAN
    from genviz.live.language import LanguageModel
    from genviz.live.perceptron import Perceptron
    from genviz.live.process import ProcessEngine
    from genviz.live.sources import open_source
    from genviz.live.wrapping import wrap

__all__ = [
    "GAN",
    "Autoencoder",
    "Call",
    "Engine",
    "Forecaster",
    "InlineEngine",
    "LanguageModel",
    "Perceptron",
    "ProcessEngine",
    "open_source",
    "wrap",
]

# Where each public name lives; only the live models of modules and `wrap` need torch.
_HOMES = {
    "Autoencoder": "genviz.live.autoencoder",
    "Call": "genviz.live.future",
    "Engine": "genviz.live.engine",
    "Forecaster": "genviz.live.forecaster",
    "GAN": "genviz.live.gan",
    "InlineEngine": "genviz.live.engine",
    "LanguageModel": "genviz.live.language",
    "Perceptron": "genviz.live.perceptron",
    "ProcessEngine": "genviz.live.process",
    "open_source": "genviz.live.sources",
    "wrap": "genviz.live.wrapping",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'genviz.live' has no attribute {name!r}: it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
