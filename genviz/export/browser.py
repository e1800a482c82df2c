"""Finds Chromium before anything is started, because starting without one can wait for ever."""

import os
import shutil
import sys
from pathlib import Path

from genviz.errors import MissingBrowser

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "brave-browser",
)
# Where installers put it without adding it to PATH.
PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ),
}
VARIABLE = "BROWSER_PATH"


def find_browser() -> Path | None:
    """Chromium or a relative of it: ``$BROWSER_PATH``, else the first on PATH, else the usual places."""
    if asked := os.environ.get(VARIABLE):
        found = shutil.which(asked)
        return Path(found) if found else None
    on_path = (shutil.which(name) for name in NAMES)
    usual = (place for place in PLACES.get(sys.platform, ()) if os.access(place, os.X_OK))
    first = next(filter(None, on_path), None) or next(usual, None)
    return Path(first) if first else None


def require_browser(suffix: str) -> Path:
    """The browser, or an error that says how to get one.

    Raises
    ------
    MissingBrowser
        With what was looked for and which formats need none.
    """
    if (found := find_browser()) is not None:
        return found
    asked = os.environ.get(VARIABLE)
    looked = f"{VARIABLE}={asked} is not a program" if asked else f"none of {', '.join(NAMES)} is on PATH"
    raise MissingBrowser(
        f"{suffix} needs Chromium to draw figures, and {looked}. Install it (Debian, Ubuntu: "
        f"apt-get install chromium) or set {VARIABLE} to its program. .html, .json and .csv work without it."
    )
