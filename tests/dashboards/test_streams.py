"""Answers over HTTP while they are written: line by line, in turn, and stopped when nobody reads."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.app import Dashboard, build
from dashboards.streams import MOST
from genviz.live import InlineEngine
from genviz.views import Subject
from tests.dashboards.subjects import subjects
from tests.live.small_models import IDS, live_of

VALUES = {"prompt": " ".join(map(str, IDS)), "max_new": "6", "temperature": "0"}
SLOW = {**VALUES, "max_new": "1024", "samples": "4", "temperature": "1.5", "banned": "#2"}  # Llama's end


@pytest.fixture
def app() -> Iterator[Dashboard]:
    live = live_of("llama")
    writer = Subject("writer", recording=live.record(), live=InlineEngine(live))
    made = build([writer, *subjects()[:1]], warm=False)
    yield made
    made.close()


def answer(app: Dashboard, name: str = "one", subject: str = "writer", **values: Any) -> Any:
    request = {"subject": subject, "name": name, "values": {**VALUES, **values}}
    return app.server.test_client().post("/answer", json=request, buffered=False)


def lines(response: Any) -> Iterator[dict[str, Any]]:
    rest = b""
    for part in response.iter_encoded():
        *whole, rest = (rest + part).split(b"\n")
        yield from (json.loads(line) for line in whole)


def test_every_token_has_a_line_and_the_whole_comes_last(app: Dashboard) -> None:
    found = list(lines(answer(app)))
    steps = [line for line in found if "samples" in line]
    done = found[-1]["done"]
    assert [line["step"] for line in steps] == list(range(6))
    assert [line["samples"][0]["id"] for line in steps] == done["samples"][0]["ids"]
    assert {"ahead": 0} in found
    again = list(lines(answer(app)))[-1]["done"]
    assert again == done, "temperature 0 gives the same answer each time"


def test_lines_come_while_it_is_written(app: Dashboard) -> None:
    response = answer(app, **SLOW)
    stream = lines(response)
    first = next(line for line in stream if "samples" in line)
    assert first["step"] == 0
    stopped = app.server.test_client().post("/answer/stop", json={"name": "one"}).get_json()
    assert stopped == {"stopped": True}
    rest = list(stream)
    assert rest[-1]["kind"] == "Cancelled"
    assert len(rest) < 900


def test_two_people_at_once_and_the_second_knows_its_place(app: Dashboard) -> None:
    first, second = answer(app, "first", **SLOW), answer(app, "second", **{**SLOW, "seed": "1"})
    one, two = lines(first), lines(second)
    next(one)
    assert next(line for line in two if line) == {"ahead": 1}
    app.server.test_client().post("/answer/stop", json={"name": "first"})
    assert next(line for line in two if "samples" in line)["step"] == 0
    app.server.test_client().post("/answer/stop", json={"name": "second"})
    assert list(two)[-1]["kind"] == "Cancelled"


def test_who_goes_away_is_not_written_for(app: Dashboard) -> None:
    response = answer(app, **SLOW)
    stream = lines(response)
    next(line for line in stream if "samples" in line)
    response.close()
    start = time.monotonic()
    done = list(lines(answer(app, "next")))[-1]
    assert "done" in done
    assert time.monotonic() - start < 10, "all of it would take longer"


def test_only_so_many_at_a_time(app: Dashboard) -> None:
    open_now = [answer(app, f"number {n}", **SLOW, seed=str(n)) for n in range(MOST)]
    refused = answer(app, "one more", **SLOW, seed="9")
    assert refused.status_code == 422
    assert json.loads(refused.data)["error"].startswith(f"{MOST} answers are being written already")
    for response in open_now:
        response.close()
    assert "done" in list(lines(answer(app, "later")))[-1]


@pytest.mark.parametrize(
    ("subject", "values", "says"),
    [
        ("writer", {"temperature": "-1"}, "temperature='-1' does not fit"),
        ("writer", {"top_p": "0"}, "top_p='0' does not fit: top p takes a number from 0.01 to 1"),
        ("writer", {"max_new": "0"}, "max_new='0' does not fit"),
        ("reader", {}, "has no live.generate, so it cannot write"),
        ("nobody", {}, "no subject 'nobody' here"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    app: Dashboard, subject: str, values: dict[str, str], says: str
) -> None:
    response = answer(app, subject=subject, **values)
    assert response.status_code == 422
    assert says in json.loads(response.data)["error"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"prompt": ""}, "the prompt is empty: give at least one word to go on from"),
        ({"stop": "a||b"}, "a stop sequence is empty, and would end every answer"),
        ({"forced": "1:#77"}, "the forced id 77 is not one of the 40 of this model"),
    ],
)
def test_what_the_model_refuses_is_said_in_the_stream(
    app: Dashboard, values: dict[str, str], says: str
) -> None:
    assert says in list(lines(answer(app, **values)))[-1]["error"]


def test_a_request_that_describes_nothing_is_refused(app: Dashboard) -> None:
    client = app.server.test_client()
    assert b"the request describes no answer" in client.post("/answer", data=b"[]").data
    assert client.post("/answer/stop", data=b"x").get_json() == {"stopped": False}
