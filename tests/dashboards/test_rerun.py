"""Pictures of another run, ahead of the page: the same that it would ask for, the largest first."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from plotly.io.json import to_json_plotly

from dashboards.address import Address
from dashboards.app import Dashboard, page
from dashboards.panels import ROLES, answer

SHOWN = ["attention_heads", "attention_matrix", "attention_lines"]


def sent(app: Dashboard, href: str, shown: list[str] | None = None) -> list[dict[str, Any]]:
    asked = {"href": href, "shown": SHOWN if shown is None else shown}
    response = app.server.test_client().post("/rerun", json=asked)
    assert response.status_code == 200
    return [json.loads(line) for line in response.get_data().splitlines()]


def href_of(text: str, more: str = "") -> str:
    return f"/reader/attention?theme=dark&run.text={quote(text)}{more}"


def test_they_are_what_the_page_would_ask_for_letter_by_letter(app: Dashboard) -> None:
    href = href_of("a dog runs home", "&head=1")
    found = sent(app, href)
    here = page(app.stage, Address.parse(href))[3]
    values = {**here["first"], "head": "1"}
    for line in found:
        request = line["request"]
        keys = here["views"][request["view"]]
        wanted = {
            "subject": "reader", "view": request["view"], "theme": "dark", "run": here["run"],
            "values": {control: values[key] for control, key in keys.items()},
        }  # fmt: skip
        assert json.dumps(request) == json.dumps(wanted), "in this order, as scripts compare the text"
    assert [line["request"]["view"] for line in found] == [
        "attention_matrix", "attention_lines", "attention_heads",
    ]  # fmt: skip


def test_they_are_the_pictures_that_are_drawn_on_request(app: Dashboard) -> None:
    for line in sent(app, href_of("a dog runs home")):
        alone = json.loads(to_json_plotly(answer(app.stage, line.pop("request"))))
        assert set(line) == set(ROLES)
        assert line == alone
        assert line["answer"]["ok"] is True
        assert line["figure"]["data"]


def test_what_is_hidden_is_not_drawn(app: Dashboard) -> None:
    assert [
        line["request"]["view"] for line in sent(app, href_of("a b c"), ["attention_lines", "nothing"])
    ] == ["attention_lines"]


@pytest.mark.parametrize(
    "href",
    [
        href_of("refuse"),
        href_of(" "),
        href_of("a b c", "&head=99"),
        "/nobody/attention?run.text=a",
        "/reader/two-senses?run.text=a",
        "/",
        "",
    ],
)
def test_what_changes_more_than_pictures_is_left_to_the_page(app: Dashboard, href: str) -> None:
    assert sent(app, href) == []


@pytest.mark.parametrize(
    "body", [None, [], "x", {"href": 3}, {"shown": None, "href": None}, {"shown": 3, "href": "/reader"}]
)
def test_requests_that_describe_nothing_get_nothing(app: Dashboard, body: Any) -> None:
    response = app.server.test_client().post("/rerun", json=body)
    assert (response.status_code, response.get_data()) == (200, b"")


def test_a_picture_that_cannot_be_drawn_says_so_in_its_frame(
    app: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("dashboards.panels.framed", broken)
    line = sent(app, href_of("a b c d"))[0]
    assert line["answer"]["ok"] is False
    assert "RuntimeError while drawing" in json.dumps(line["message"])
    assert "secret" not in json.dumps(line)
