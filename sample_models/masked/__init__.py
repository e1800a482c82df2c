"""An encoder that fills in the words that were masked."""

from .model import parts as parts
