"""An encoder–decoder transformer that translates French sentences of a small world into English."""

from .model import parts as parts
