"""A decoder-only transformer that tells stories of a small world."""

from .model import parts as parts
