"""The live forecaster: reads series of one's own, fits what statsmodels fits, and says what does not fit."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genviz.errors import ControlError, LiveError, MissingExtra
from genviz.live import Forecaster, InlineEngine, ProcessEngine, open_source, wrap
from genviz.live.series import as_series, read_series

statsmodels = pytest.importorskip("statsmodels.tsa.ar_model")
WAVE = np.sin(np.arange(90) / 4) * 3 + np.random.default_rng(0).normal(size=90) * 0.2 + 10


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_fit_is_autoregs_own() -> None:
    live = Forecaster(WAVE)
    told = live.forecast(lags=5, known=80, steps=10)
    fitted = statsmodels.AutoReg(WAVE[:80], lags=5).fit()
    assert np.allclose([told["constant"], *told["weights"]], fitted.params)
    assert np.allclose(told["means"], fitted.forecast(10))
    assert np.allclose(told["errors"], fitted.bse[1:])
    assert (told["lags"], told["known"], told["read"].shape) == (5, 80, (10, 5))


def test_the_number_of_lags_is_that_of_the_least_aic() -> None:
    live = Forecaster(WAVE)
    aics = {}
    for lags in range(1, live.most_lags + 1):
        held = live.most_lags  # as many values are predicted whatever the number of lags
        aics[lags] = statsmodels.AutoReg(
            WAVE[: live.known], lags=lags, hold_back=held
        ).fit().aic  # fmt: skip
    assert live.best_lags == min(aics, key=lambda lags: aics[lags])
    assert live.forecast()["lags"] == live.best_lags


def test_what_was_not_known_is_not_read() -> None:
    changed = WAVE.copy()
    changed[70:] = 99.0
    one, other = (Forecaster(series).forecast(lags=4, known=70) for series in (WAVE, changed))
    assert np.array_equal(one["means"], other["means"])


def test_a_csv_file_is_a_subject(tmp_path: Path) -> None:
    rows = "\n".join(f"{1900 + at},x,{value:.6f}" for at, value in enumerate(WAVE))
    path = written(tmp_path / "waves.csv", f"year,station,height [m]\n{rows}\n")
    live = open_source(str(path))
    assert isinstance(live, Forecaster)
    assert live.title == "height [m] (waves.csv)"
    recording = live.record()
    assert recording.info["times"][:2] == ["1900", "1901"]
    assert np.allclose(recording["", "series"].values, WAVE, atol=1e-6)
    with ProcessEngine(str(path)) as engine:
        assert np.allclose(engine.call("forecast", lags=3)["means"], live.forecast(lags=3)["means"])


@pytest.mark.parametrize(
    ("text", "name", "times"),
    [
        ("\n".join(map(str, range(20))), "plain", "0"),
        ("\n".join(f"{at};{at / 2}" for at in range(20)), "plain", "0"),
        ("\ufeffwhen\theight\n" + "\n".join(f"d{at}\t{at}" for at in range(20)), "height", "d0"),
    ],
)
def test_files_are_read_as_people_write_them(tmp_path: Path, text: str, name: str, times: str) -> None:
    series = read_series(written(tmp_path / "plain.csv", text))
    assert (len(series.values), series.name, series.times[0]) == (20, name, times)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty: give a row per moment"),
        ("a,b\nx,y\n" * 9, "has no column of numbers"),
        (
            "t,v\n" + "".join(f"{at},{at if at != 7 else ''}\n" for at in range(20)),
            "row 9 of .* has '' instead",
        ),
        ("1\n2\n3\n", "has the shape \\(3,\\): give one row of 12 to 100,000 values"),
        ("1,5\n" * 30, "all values of the series are 5: there is nothing to forecast"),
        ("1,nan\n" * 30, "value 0 of the series is nan: fill it in or leave it out"),
    ],
)
def test_files_that_are_no_series_are_said(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(LiveError, match=says):
        read_series(written(tmp_path / "bad.csv", text))


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b"\xff\xfe\x00\x01" * 20)
    with pytest.raises(LiveError, match=r"cannot be read as CSV"):
        read_series(path)


def test_arrays_and_dicts_are_wrapped() -> None:
    live = wrap({"series": WAVE, "name": "height", "title": "Waves"})
    assert (live.title, live.series.name) == ("Waves", "height")
    with InlineEngine(live) as engine:
        assert engine.abilities == ("record", "forecast")
        assert engine.info["defaults"]["values"] == 90
    with pytest.raises(LiveError, match="2 times for 90 values: give one per value, or none"):
        as_series(WAVE, times=["a", "b"])
    with pytest.raises(LiveError, match="the series is not made of numbers"):
        as_series(["a"] * 20)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"lags": 0}, "lags=0 does not fit: this series takes 1 to 22"),
        ({"lags": 4, "known": 5}, "known=5 does not fit: this series takes 11 to 90"),
        ({"steps": 99}, "steps=99 does not fit: this series takes 1 to 60"),
    ],
)
def test_numbers_that_do_not_fit_are_said(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(ControlError, match=says):
        Forecaster(WAVE).forecast(**asked)


def test_without_statsmodels(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == "statsmodels"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    with pytest.raises(
        MissingExtra, match="a forecast by autoregression needs the optional extra 'classical'"
    ):
        Forecaster(WAVE).forecast()


def test_the_shipped_series_is_real_and_its_cycle_is_found() -> None:
    """Eleven years: the first thing that Yule's autoregression showed of sunspots."""
    live = open_source("sunspots")
    assert len(live.series.values) == 309
    assert (live.series.times[0], live.series.times[-1]) == ("1700", "2008")
    told = live.forecast(lags=9, known=309, steps=60)
    peaks = [at for at in range(1, 59) if told["means"][at] == max(told["means"][at - 1 : at + 2])]
    assert 9.5 <= np.diff(peaks)[:3].mean() <= 12
    assert told["settles"]
