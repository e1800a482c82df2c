"""Capture: attach to a running PyTorch model and keep what it computes."""

from genviz.capture.live import LiveRecording
from genviz.capture.network import describe
from genviz.capture.part_by_part import part_by_part
from genviz.capture.record import Capture, record
from genviz.capture.settings import Settings
from genviz.capture.verifying import verify

__all__ = ["Capture", "LiveRecording", "Settings", "describe", "part_by_part", "record", "verify"]
