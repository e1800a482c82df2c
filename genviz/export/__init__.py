"""Figures into files: :func:`write`, the slides it takes, and the formats it knows."""

from genviz.export.base import Options, Slide, Writer
from genviz.export.registry import WRITERS, suffixes
from genviz.export.writing import write

__all__ = ["WRITERS", "Options", "Slide", "Writer", "suffixes", "write"]
