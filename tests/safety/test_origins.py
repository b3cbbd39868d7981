"""Who else's page may do what: other origins, other names, frames; with header lines, and in a real browser."""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import sync_playwright

from api.access.headers import CONTENT_SECURITY_POLICY, HEADERS, ONLY_TLS
from api.access.origin import foreign_origin, is_our_name
from state import keys
from tests.browser import NO_BROWSER, chromium_path
from tests.chaos.arena import LocalApi
from tests.processes import LocalValkey

HERE = "127.0.0.1:8000"
ATTACKS = """<!doctype html><title>waiting</title>
<form id=f action="{target}/ask" method=post target=inside><input name=question value="how many flights"></form>
<iframe name=inside></iframe><iframe id=framed src="{target}/"></iframe>
<script>
  const tries = [fetch("{target}/api/query", {{method: "POST", mode: "no-cors", body: '{{"query": "x"}}'}}),
    fetch("{target}/api/workflow/cancel", {{method: "POST", mode: "no-cors", body: "{{}}"}}),
    fetch("{target}/api/workflow").then((reply) => reply.text()).then((text) => {{ window.read = text; }})];
  document.getElementById("f").submit();
  Promise.allSettled(tries).then(() => setTimeout(() => {{ document.title = "done"; }}, 300));
</script>"""


@pytest.fixture(scope="module")
def api(valkey: LocalValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalApi]:
    """Without keys, under its default names."""
    one = LocalApi(tmp_path_factory.mktemp("api"), {"REDIS_URL": valkey.url, "DATA": "", "ALLOWED_HOSTS": "",
                                                    "API_KEYS_FILE": ""})
    try:
        one.ready()
        yield one
    finally:
        one.teardown()


def scope(**headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"headers": [(name.encode(), value.encode()) for name, value in named.items()]}


@pytest.mark.parametrize(("headers", "told_by"), [
    ({}, ""),
    ({"sec_fetch_site": "same-origin"}, ""),
    ({"sec_fetch_site": "none"}, ""),
    ({"sec_fetch_site": "same-site"}, "Sec-Fetch-Site"),
    ({"sec_fetch_site": "cross-site"}, "Sec-Fetch-Site"),
    ({"sec_fetch_site": "same-origin", "origin": "null"}, ""),
    ({"origin": f"http://{HERE}"}, ""),
    ({"origin": f"https://{HERE.upper()}"}, ""),
    ({"origin": "http://127.0.0.1:8001"}, "Origin"),
    ({"origin": "http://127.0.0.1"}, "Origin"),
    ({"origin": f"http://{HERE}.evil.example"}, "Origin"),
    ({"origin": f"http://{HERE}@evil.example"}, "Origin"),
    ({"origin": "null"}, "Origin"),
    ({"origin": ""}, "Origin"),
    ({"origin": "http://[oops"}, "Origin"),
    ({"referer": f"http://{HERE}/ask"}, ""),
    ({"referer": "http://evil.example/"}, "Referer"),
    ({"referer": f"http://evil.example/?{HERE}"}, "Referer"),
])
def test_another_origin_is_told_by_whatever_a_browser_says(headers: dict[str, str], told_by: str) -> None:
    assert foreign_origin(scope(host=HERE, **headers)) == told_by


@pytest.mark.parametrize(("host", "allowed", "ours"), [
    ("localhost:8000", (), True), ("127.0.0.1", (), True), ("127.9.9.9:1", (), True), ("[::1]:8000", (), True),
    ("LOCALHOST", (), True), ("baton.localhost", (), True), ("", (), True), ("localhost.:80", (), True),
    ("evil.example", (), False), ("127.0.0.1.evil.example:8000", (), False), ("localhost.evil.example", (), False),
    ("10.1.2.3", (), False), ("192.168.0.1", (), False), ("[::1", (), True),
    ("baton.example:443", ("baton.example",), True), ("localhost", ("baton.example",), False),
])
def test_a_name_is_ours_or_not(host: str, allowed: tuple[str, ...], ours: bool) -> None:
    assert is_our_name(scope(host=host), allowed) is ours


def test_without_keys_no_other_name_leads_here(api: LocalApi) -> None:
    """DNS rebinding: the browser takes the page and us for one origin."""
    for path in ("/", "/api/workflow", "/static/page.js", "/api/openapi.json"):
        reply = requests.get(api.url + path, headers={"Host": "evil.example"}, timeout=10)
        assert (reply.status_code, reply.json()["error_type"]) == (421, "forbidden")
        assert "ALLOWED_HOSTS" in reply.json()["detail"]
        assert requests.get(api.url + path, headers={"Host": "localhost"}, timeout=10).status_code == 200


def test_an_old_browser_s_form_is_told_by_its_origin(api: LocalApi, valkey: LocalValkey) -> None:
    before = valkey.client.zcard(keys.BY_TIME)
    for said in ({"Origin": "http://127.0.0.1:1"}, {"Origin": "null"}, {"Referer": "http://evil.example/"}):
        reply = requests.post(f"{api.url}/ask", data={"question": "x"}, headers=said, timeout=10, allow_redirects=False)
        assert reply.status_code in {303, 403}
        assert "/ask/" not in reply.headers.get("location", "")
    assert valkey.client.zcard(keys.BY_TIME) == before


@contextmanager
def other_origin(target: str) -> Iterator[str]:
    """A page on another port of this machine: the same site, another origin."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = ATTACKS.format(target=target).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.browser
def test_a_page_of_another_origin_asks_reads_and_frames_nothing(api: LocalApi, valkey: LocalValkey) -> None:
    path = chromium_path()
    if not path:
        pytest.skip(NO_BROWSER)
    before = valkey.client.zcard(keys.BY_TIME)
    tried: set[tuple[str, str]] = set()
    with other_origin(api.url) as evil, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("request", lambda one: tried.add((one.method, urlsplit(one.url).path)))
        page.goto(evil)
        page.wait_for_function("document.title === 'done'")
        framed = [frame.url for frame in page.frames]
        read = page.evaluate("window.read")
        browser.close()
    assert {("POST", "/api/query"), ("POST", "/api/workflow/cancel"), ("POST", "/ask"), ("GET", "/api/workflow"),
            ("GET", "/")} <= tried
    assert read is None
    assert f"{api.url}/" not in framed
    assert valkey.client.zcard(keys.BY_TIME) == before


def test_every_answer_carries_the_headers(api: LocalApi, valkey: LocalValkey, tmp_path: Path) -> None:
    def checked(reply: requests.Response, *, stored: bool = False) -> None:
        assert {name: reply.headers.get(name) for name in HEADERS} == HEADERS, reply.url
        assert ("no-store" in reply.headers.get("Cache-Control", "")) is not stored, reply.url
        assert "Server" not in reply.headers
        assert "Strict-Transport-Security" not in reply.headers

    for path in ("/", "/workflows", "/api/workflow", "/api/nothing", "/api/workflow/x", "/metrics", "/health/ready"):
        checked(requests.get(api.url + path, timeout=10))
    checked(requests.post(f"{api.url}/api/query", data="{", timeout=10))
    checked(requests.post(f"{api.url}/api/query", headers={"Sec-Fetch-Site": "cross-site"}, timeout=10))
    checked(requests.get(f"{api.url}/", headers={"Host": "evil.example"}, timeout=10))
    checked(requests.put(f"{api.url}/api/query", timeout=10))
    checked(requests.get(f"{api.url}/static/page.css", timeout=10), stored=True)
    asked = requests.post(f"{api.url}/api/workflow", json={"query": "x"}, timeout=10).json()["workflow_id"]
    with requests.get(f"{api.url}/api/workflow/{asked}/events", stream=True, timeout=10) as events:
        checked(events)
    secure = requests.get(f"{api.url}/", headers={"X-Forwarded-Proto": "https"}, timeout=10)
    assert secure.headers["Strict-Transport-Security"] == ONLY_TLS


def test_what_is_no_http_is_answered_with_the_headers_too(api: LocalApi) -> None:
    where = urlsplit(api.url)
    with socket.create_connection((where.hostname or "", where.port or 0), 10) as connection:
        connection.sendall(b"NONSENSE\r\n\r\n")
        said = connection.makefile("rb").read().decode("latin-1")
    assert said.startswith("HTTP/1.1 400")
    assert f"Content-Security-Policy: {CONTENT_SECURITY_POLICY}" in said
    assert "X-Content-Type-Options: nosniff" in said
    assert "Server:" not in said
