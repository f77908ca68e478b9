"""Who may ask, and how."""

from __future__ import annotations

import base64
from ipaddress import ip_network
from typing import Any

import pytest
from starlette.testclient import TestClient

from jobreporter_history._web.guard import LOOPBACK
from jobreporter_history.store import Store
from jobreporter_history.web import Access, create_app

TOKEN = "a-token-of-some-length"  # noqa: S105 - the tests' own


@pytest.mark.parametrize("path", ["/", "/executions.csv", "/static/page.js", "/events", "/nothing"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "ODD"])
def test_nothing_can_be_changed(page: TestClient, path: str, method: str) -> None:
    """Every method but GET and HEAD is 405, wherever it goes."""
    answer = page.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/executions", "/executions.csv", "/static/page.css", "/events"])
def test_head_has_no_body(page: TestClient, path: str) -> None:
    """HEAD is answered like GET, without a body, and ends also for the stream of changes."""
    answer = page.head(path)
    assert answer.status_code == 200
    assert answer.content == b""


def test_the_head_of_an_export_looks_nothing_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its first rows, by which trouble would show: whoever previews a link costs no search through everything."""
    monkeypatch.setattr("jobreporter_history._web.pages.executions._ROWS_OF_EXPORT", 2)
    asked = []
    executions = Store.executions

    def seen(self: Store, *given: Any, **more: Any) -> Any:
        asked.append(more)
        return executions(self, *given, **more)

    monkeypatch.setattr(Store, "executions", seen)
    with TestClient(create_app(store, access=Access(hosts=("testserver",)))) as client:
        answer = client.head("/executions.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="executions.csv"'
    assert len(asked) == 1


@pytest.mark.parametrize("path", ["/", "/executions.json", "/static/page.js", "/nothing", "/x/none"])
def test_every_answer_has_the_safe_headers(page: TestClient, path: str) -> None:
    """Scripts and styles come from files of the site alone, and nobody frames a page or keeps it."""
    headers = page.get(path).headers
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("localhost", 200), ("LOCALHOST:9791", 200), ("127.0.0.1:80", 200), ("[::1]:9791", 200), ("page.shop", 200)),
        *(("evil.example", 421), ("localhost.evil.example", 421), ("", 421), ("localhost@evil.example", 421)),
        *(("evil.example@localhost", 421), ("[::1", 421), ("127.0.0.1.nip.io", 421), ("localhost:99999x", 200)),
    ],
)
def test_only_known_names_are_served(store: Store, host: str, status: int) -> None:
    """A request under a name that isn't on the list is 421, so that no foreign page reaches this one by a name of its own."""
    access = Access(hosts=(*LOOPBACK, "page.shop"))
    with TestClient(create_app(store, access=access)) as client:
        assert client.get("/schedules", headers={"host": host}).status_code == status


def test_the_token_is_asked_for(store: Store) -> None:
    """With a token, everything but the token is 401: as a bearer token, or as the password of a browser's question."""
    right = base64.b64encode(f"me:{TOKEN}".encode()).decode()
    wrong = base64.b64encode(b"me:no").decode()
    with TestClient(create_app(store, access=Access(token=TOKEN))) as client:
        for given in (None, "", "Bearer", f"Bearer {TOKEN}x", f"Basic {wrong}", "Basic !", f"Digest {TOKEN}", TOKEN):
            answer = client.get("/static/page.js", headers={} if given is None else {"authorization": given})
            assert answer.status_code == 401, given
            assert answer.headers["www-authenticate"].startswith("Basic")
        for given in (f"Bearer {TOKEN}", f"Basic {right}"):
            assert client.get("/", headers={"authorization": given}).status_code == 200


@pytest.mark.parametrize(
    ("peer", "header", "status"),
    [
        *(("10.1.2.3", "ada", 200), ("::ffff:10.1.2.3", "ada", 200), ("10.1.2.3", "", 403), ("10.1.2.3", None, 403)),
        *(("192.0.2.1", "ada", 403), ("::1", "ada", 403), ("no address", "ada", 403)),
    ],
)
def test_only_a_trusted_proxy_says_who_asks(store: Store, peer: str, header: str | None, status: int) -> None:
    """The header of a proxy counts from the proxies' network alone, whatever another header says of the peer."""
    access = Access(header="X-User", proxies=[ip_network("10.0.0.0/8")])
    with TestClient(create_app(store, access=access), client=(peer, 4711)) as client:
        headers = {"x-forwarded-for": "10.1.2.3"} | ({} if header is None else {"x-user": header})
        assert client.get("/schedules", headers=headers).status_code == status
