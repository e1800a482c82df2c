"""The public names are pinned, and importing genviz stays light."""

import subprocess
import sys

import pytest

import genviz

HEAVY = ("torch", "dash", "flask", "umap", "numba", "sklearn", "plotly", "transformers", "pandas", "xarray")


def heavy_after(code: str) -> list[str]:
    """Which heavy packages a fresh Python has loaded after running ``code``."""
    tell = f"import sys; {code}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def test_the_public_names() -> None:
    assert genviz.__all__ == [
        "GAN",
        "Autoencoder",
        "Forecaster",
        "LanguageModel",
        "Perceptron",
        "Recording",
        "load",
        "record",
        "show",
        "views",
        "write",
    ]


@pytest.mark.parametrize("name", genviz.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(genviz, name) is not None
    assert name in dir(genviz)


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(AttributeError, match="no attribute 'recrod': its names are GAN, Autoencoder"):
        genviz.recrod  # noqa: B018


def test_show_is_the_function_whatever_was_imported_before() -> None:
    names = "assert callable(genviz.show) and callable(genviz.record)"
    code = f"import genviz, genviz.showing, genviz.cli; {names}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("code", ["import genviz", "import genviz.cli", "import genviz.errors, genviz.store"])
def test_importing_stays_light(code: str) -> None:
    assert heavy_after(code) == []


def test_help_stays_light() -> None:
    code = "import genviz.cli\ntry: genviz.cli.main(['--help'])\nexcept SystemExit: pass\n"
    assert heavy_after(f"exec({code!r})") == []


def test_that_test_can_fail() -> None:
    assert heavy_after("import genviz; genviz.views") != []


def test_reading_a_recording_needs_no_torch(tmp_path: object) -> None:
    assert "torch" not in heavy_after(
        "import genviz; genviz.load; genviz.Recording; genviz.write; genviz.views"
    )
