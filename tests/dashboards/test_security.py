"""Requests that try each wall."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient
from plotly.utils import PlotlyJSONEncoder
from werkzeug.test import TestResponse

from dashboards.address import Address
from dashboards.app import Dashboard, build, page
from dashboards.panels import GRAPH_CONFIG
from dashboards.security import BODY_LIMIT, Policy, is_loopback, without_port
from dashboards.server import start
from genviz.errors import ServeError
from tests.dashboards.subjects import subjects

HERE = {"Host": "127.0.0.1:8050"}
STATE = {"subject": "houses", "view": "perceptron_network", "values": {}}


@pytest.fixture
def client(app: Dashboard) -> FlaskClient:
    made: FlaskClient = app.server.test_client()
    return made


def post(client: FlaskClient, headers: dict[str, str], json: Any = None) -> TestResponse:
    return client.post("/slides/figure", json=STATE if json is None else json, headers={**HERE, **headers})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8050", "LOCALHOST:8050", "[::1]:8050", "LocalHost"])
def test_this_machine_is_answered_in_any_case(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil:8050", "", "[::1].evil"]
)
def test_a_foreign_host_name_is_refused(client: FlaskClient, host: str) -> None:
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert b"does not answer to that host name" in answer.data


@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/assets/frame.css", "/look.css", "/nowhere"])
def test_every_route_stands_behind_the_walls(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://127.0.0.1:8050.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "Cross-Site", "Origin": "http://127.0.0.1:8050"},
    ],
)
def test_requests_of_other_sites_are_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = post(client, headers)
    assert answer.status_code == 403
    assert b"must come from this site's own pages" in answer.data


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://127.0.0.1:8050"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
)
def test_requests_of_its_own_pages_are_answered(client: FlaskClient, headers: dict[str, str]) -> None:
    assert post(client, headers).status_code == 200


def test_callbacks_of_other_sites_are_refused(client: FlaskClient) -> None:
    answer = client.post(
        "/_dash-update-component", json={}, headers={**HERE, "Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


def test_a_large_body_is_refused(client: FlaskClient) -> None:
    for path in ("/slides/deck", "/_dash-update-component", "/frames"):
        assert client.post(path, data=b"x" * (BODY_LIMIT + 1), headers=HERE).status_code == 413


def test_a_large_body_without_a_length_is_refused() -> None:
    with start(subjects(), port=0) as server:
        sent = requests.post(
            server.url + "slides/deck",
            data=(b"x" * 65_536 for _ in range(64)),
            timeout=20,
            headers={"Content-Type": "application/json"},
        )
    assert sent.status_code == 413


def test_no_traceback_reaches_the_client(app: Dashboard, caplog: pytest.LogCaptureFixture) -> None:
    client = app.server.test_client()
    answers = [
        client.post(
            "/_dash-update-component", data=b"no json", headers={**HERE, "Content-Type": "application/json"}
        ),
        client.post("/_dash-update-component", json={"output": "nothing.at_all"}, headers=HERE),
        client.post("/slides/figure", data=b"{", headers=HERE),
        client.get("/_dash-component-suites/dash/nothing.js", headers=HERE),
    ]
    for answer in answers:
        assert answer.status_code >= 400
        text = answer.get_data(as_text=True)
        assert "Traceback" not in text
        assert "site-packages" not in text
        assert "File " not in text


def test_every_answer_carries_the_headers(client: FlaskClient) -> None:
    for path in ("/", "/_dash-layout", "/assets/frame.css", "/look.css", "/fonts/none.woff2"):
        headers = client.get(path, headers=HERE).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert "Cache-Control" in headers, path
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        scripts = next(rule for rule in policy.split("; ") if rule.startswith("script-src"))
        assert "unsafe-inline" not in scripts
        assert "http" not in policy, "nothing may come from elsewhere"


def test_pages_hold_no_inline_script_but_the_one_that_is_hashed(app: Dashboard, client: FlaskClient) -> None:
    page = client.get("/", headers=HERE).get_data(as_text=True)
    inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", page)
    assert sorted("json" if "application/json" in kind else "renderer" for kind in inline) == [
        "json",
        "renderer",
    ]
    assert len(app.csp_hashes()) == 1


def test_everything_a_page_loads_lies_here(client: FlaskClient) -> None:
    page = client.get("/", headers=HERE).get_data(as_text=True)
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(loaded) > 10
    for address in loaded:
        assert address.startswith("/"), address
        assert not address.startswith("//"), address
        assert client.get(address, headers=HERE).status_code == 200, address


def test_a_frame_of_a_notebook_is_allowed_only_when_asked_for() -> None:
    framed = build([], policy=Policy(framed=True), warm=False).server.test_client().get("/", headers=HERE)
    assert (
        "frame-ancestors http://localhost:* http://127.0.0.1:*" in framed.headers["Content-Security-Policy"]
    )
    assert "X-Frame-Options" not in framed.headers


def test_figures_send_nothing_to_a_cloud(app: Dashboard) -> None:
    assert GRAPH_CONFIG["showSendToCloud"] is False
    _, main, *_ = page(app.stage, Address.parse("/reader/attention"))
    shown = json.dumps(main, cls=PlotlyJSONEncoder)
    assert shown.count('"Graph"') == shown.count('"showSendToCloud": false') > 0


def test_the_tools_for_developers_are_off(client: FlaskClient) -> None:
    page = client.get("/", headers=HERE).get_data(as_text=True)
    assert '"ui":false' in page
    assert '"disable_version_check":true' in page
    assert client.get("/_dash-mcp", headers=HERE).get_data(as_text=True).startswith(("<!DOCTYPE", "404"))


# -- beyond this machine ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ({"host": "0.0.0.0"}, r"needs a token \(--token\) and names \(--allow-host\)"),
        ({"host": "192.168.1.4", "token": "long enough"}, r"needs names \(--allow-host\)"),
        ({"host": "::", "allowed_hosts": ("box.lan",)}, r"needs a token \(--token\)"),
        ({"host": "box.lan"}, "lets other machines in"),
        ({"token": "short"}, "a token of 5 characters is too short: give at least 8"),
    ],
)
def test_other_machines_are_let_in_only_with_token_and_names(policy: dict[str, Any], text: str) -> None:
    with pytest.raises(ServeError, match=text):
        Policy(**policy)


def test_a_refusal_takes_no_port() -> None:
    with pytest.raises(ServeError, match="Without them, serve on"):
        start([], host="0.0.0.0", port=0)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.evil", False),
    ],
)
def test_what_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("a:80", "a"),
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
        ("a", "a"),
        ("a:b", "a:b"),
        ("::1:80", "::1:80"),
    ],
)
def test_a_port_is_told_from_an_address(host: str, name: str) -> None:
    assert without_port(host) == name


class TestToken:
    """A server that asks for a token."""

    @pytest.fixture
    def guarded(self) -> Iterator[FlaskClient]:
        policy = Policy("0.0.0.0", "correct horse battery", ("box.lan",))
        made = build(subjects(), policy=policy, warm=False)
        yield made.server.test_client()
        made.close()

    def test_without_it_nothing_is_shown(self, guarded: FlaskClient) -> None:
        for path in ("/", "/_dash-layout", "/assets/frame.css", "/?token=wrong", "/?token="):
            answer = guarded.get(path, headers={"Host": "box.lan"})
            assert answer.status_code == 401
            assert b"needs its token" in answer.data

    def test_once_given_a_cookie_stands_for_it(self, guarded: FlaskClient) -> None:
        given = guarded.get("/a/b?x=1&token=correct+horse+battery", headers={"Host": "BOX.LAN:8050"})
        assert given.status_code == 303
        assert given.headers["Location"] == "/a/b?x=1", "the token does not stay in the address"
        cookie = given.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "correct" not in cookie
        value = cookie.split(";")[0].split("=", 1)[1]
        assert (
            guarded.get("/", headers={"Host": "box.lan", "Cookie": f"genviz-access={value}"}).status_code
            == 200
        )

    def test_the_way_back_stays_on_this_site(self, guarded: FlaskClient) -> None:
        given = guarded.get("//evil.example/?token=correct+horse+battery", headers={"Host": "box.lan"})
        assert given.status_code in (308, 303)
        assert not given.headers["Location"].startswith("//")

    def test_a_forged_cookie_is_refused(self, guarded: FlaskClient) -> None:
        cookie = {"Host": "box.lan", "Cookie": "genviz-access=" + "0" * 64}
        assert guarded.get("/", headers=cookie).status_code == 401

    def test_names_that_were_not_allowed_are_refused(self, guarded: FlaskClient) -> None:
        assert guarded.get("/?token=correct+horse+battery", headers={"Host": "other.lan"}).status_code == 400


# -- serving ---------------------------------------------------------------------------------------


def test_a_port_in_use_gives_the_next_free_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with start([], port=taken) as server:
            assert server.url != f"http://127.0.0.1:{taken}/"
            assert requests.get(server.url, timeout=10).status_code == 200


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(ServeError, match=r"cannot listen on 127\.0\.0\.1:99999|no free port"):
        start([], port=99999)


def test_a_stopped_server_is_gone() -> None:
    server = start(subjects(), port=0)
    assert requests.get(server.url, timeout=10).status_code == 200
    server.stop()
    server.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=2)


def test_answers_are_compressed_and_files_kept(client: FlaskClient) -> None:
    page = client.get("/", headers={**HERE, "Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert page.headers["Cache-Control"] == "no-store"
    text = client.get("/", headers=HERE).get_data(as_text=True)
    script = re.findall(r'src="(/_dash-component-suites/[^"]+)"', text)[0]
    for _ in range(2):
        kept = client.get(script, headers={**HERE, "Accept-Encoding": "gzip"})
        assert "immutable" in kept.headers["Cache-Control"]
        assert kept.headers["Content-Encoding"] == "gzip"
