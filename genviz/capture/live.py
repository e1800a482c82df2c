"""A recording while it is made: in memory, or in a folder that grows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from genviz.recording import Recording
from genviz.store import Folder


class LiveRecording(Recording):
    """What ``with genviz.record(...) as recording`` gives; it stays usable after the block.

    Parameters
    ----------
    to : path, optional
        Folder to write to; nothing that exists is overwritten.
    """

    def __init__(self, to: str | Path | None = None) -> None:
        super().__init__()
        self.folder = None if to is None else Folder.create(Path(to))
        self._flushed = 0
        self._complete = False
        #: Called before a frame is written, to bring ``info`` up to date.
        self.before_writing: Callable[[], None] = lambda: None

    def flush(self, step: int | None = None) -> None:
        """Make everything captured so far safe on disk before returning.

        Parameters
        ----------
        step : int, optional
            Training step of all that was captured since the last flush. Without a folder this is all
            that happens.
        """
        new = self._entries[self._flushed :]
        if step is not None:
            new = [entry if entry.step is not None else replace(entry, step=step) for entry in new]
            self._entries[self._flushed :] = new
        if self.folder is not None and (new or self._complete):
            self._write()
        self._flushed = len(self)

    def complete(self) -> None:
        """Write what is left and the final info; called once, at the end of the capture."""
        if not self._complete:
            self._complete = True
            self.before_writing = lambda: None
            if self.folder is not None:
                self.flush()

    def _write(self) -> None:
        assert self.folder is not None
        self.before_writing()
        new = self._entries[self._flushed :]
        self.folder.append([(entry.described(), entry.load()) for entry in new], self.info)
        del self._entries[self._flushed :]
        self.info.pop("missing", None)  # comes back with the frame
        self.refresh()
