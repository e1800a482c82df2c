"""What all tests share."""

import gc
import signal

import pytest
from hypothesis import settings
from jaxtyping import config, install_import_hook

# The shapes in annotations (genviz/shapes.py) are checked at every call; before the first import of genviz.
# A plugin's option would do the same, but not in the workers of `pytest -n`.
install_import_hook(
    ["genviz.analysis", "genviz.attention"],
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)

# Tests assert no times: a busy machine is no failure.
settings.register_profile("genviz", deadline=None)
settings.load_profile("genviz")

# A shell starts its background jobs with Ctrl-C ignored, and children inherit that; here it is tested.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was there before the first test is no garbage: collections of tests look at what tests made."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def shapes_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what a function itself says about a wrong shape: users see that, and no check of annotations."""
    monkeypatch.setattr(config, "jaxtyping_disable", True)
