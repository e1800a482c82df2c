"""Every error that genviz raises on purpose.

::

    GenvizError
    ├── CaptureError            the capture cannot start or cannot see what was asked for
    │   ├── UnknownSite         a site name that the model or the recording does not have
    │   └── TokenMismatch       the tokens given do not fit the run
    ├── RecordingError          a recording cannot be read or written
    │   ├── NotARecording       the path holds something else
    │   ├── DamagedFrame        a frame's bytes are not what was written
    │   └── NotCaptured         the recording is fine, but this was not captured in it
    ├── UnsafeFile              a file that could run code when opened (pickle); it is not opened
    ├── ViewError               a figure cannot be drawn
    │   ├── NotApplicable       the subject lacks what the view needs
    │   └── ControlError        a control's name or value is wrong
    ├── LiveError               a live model cannot be built or run
    │   ├── TooLong             the text has more tokens than the model has positions for
    │   ├── EngineBusy          the queue of the model's owner is full
    │   ├── Cancelled           the caller cancelled the call
    │   ├── DeadlineExceeded    the call took longer than it was given
    │   └── EngineDied          the model's process ended in mid-call (it is started again)
    ├── ExportError             a file cannot be written
    │   ├── UnknownFormat       no writer for this file ending
    │   └── MissingBrowser      Chromium is needed and was not found
    ├── ServeError              the dashboard cannot be served as asked
    └── MissingExtra            an optional dependency is not installed

Messages say what was asked, what was found, and what to do.
"""

from collections.abc import Iterable


class GenvizError(Exception):
    """Base of every error raised on purpose by genviz."""


class CaptureError(GenvizError):
    """The capture cannot start, or cannot see what was asked for."""


class UnknownSite(CaptureError):
    """A site name that the model or the recording does not have."""

    @classmethod
    def among(cls, asked: str, present: Iterable[str], owner: str) -> "UnknownSite":
        """Build the error with the sites that are there (at most eight are named)."""
        names = tuple(present)
        shown = ", ".join(names[:8]) + (f", … ({len(names)} in all)" if len(names) > 8 else "")
        return cls(f"no site {asked!r}: this {owner} has {shown or 'no sites'}")


class TokenMismatch(CaptureError):
    """The tokens given do not fit the run."""


class RecordingError(GenvizError):
    """A recording cannot be read or written."""


class NotARecording(RecordingError):
    """The path holds something other than a recording."""


class DamagedFrame(RecordingError):
    """A frame's bytes are not what was written."""


class NotCaptured(RecordingError):
    """The recording is sound, but what was asked for is not in it."""


class UnsafeFile(GenvizError):
    """The file could run code when opened, so it is not opened."""


class ViewError(GenvizError):
    """A figure cannot be drawn."""


class NotApplicable(ViewError):
    """The subject lacks what the view needs."""


class ControlError(ViewError):
    """A control's name or value is wrong."""


class LiveError(GenvizError):
    """A live model cannot be built or run."""


class TooLong(LiveError):
    """The text has more tokens than the model has positions for; part of it could be read."""


class EngineBusy(LiveError):
    """The queue of the model's owner is full."""


class Cancelled(LiveError):
    """The caller cancelled the call."""


class DeadlineExceeded(LiveError):
    """The call took longer than it was given."""


class EngineDied(LiveError):
    """The model's process ended in mid-call; it is started again for the next one."""


class ExportError(GenvizError):
    """A file cannot be written."""


class UnknownFormat(ExportError):
    """No writer is registered for this file ending."""


class MissingBrowser(ExportError):
    """Chromium is needed for this format and was not found."""


class ServeError(GenvizError):
    """The dashboard cannot be served as asked."""


class MissingExtra(GenvizError):
    """An optional dependency is not installed."""

    @classmethod
    def named(cls, extra: str, purpose: str) -> "MissingExtra":
        """Say which extra to install, and what for."""
        return cls(f"{purpose} needs the optional extra {extra!r}: pip install 'genviz[{extra}]'")
