"""The folder format of a recording: a small header and append-only frames in safetensors files."""

from genviz.store.folder import Folder
from genviz.store.frames import Frame, decode_frame, encode_frame

__all__ = ["Folder", "Frame", "decode_frame", "encode_frame"]
