"""The address of the page about an execution, which reporters put into what they send."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest

from jobreporter import Context
from jobreporter.testing import make_job

PAGE = "https://jobs.example.org/web"


def context(page: str | None) -> Context:
    return Context(host="h", pid=1, version="0", stats=dict, page=page)


def test_without_a_page_there_is_no_link() -> None:
    """A config that names none has reporters that link to nothing."""
    assert context(None).link(make_job()) is None


@pytest.mark.parametrize("page", [PAGE, f"{PAGE}/", f"{PAGE}//"])
def test_a_slash_at_the_end_of_the_page_is_one(page: str) -> None:
    """Nobody has to know how the address has to be written."""
    assert context(page).link(make_job(execution_id="7:1:abc")) == f"{PAGE}/x/7%3A1%3Aabc"


@pytest.mark.parametrize(
    "execution_id",
    [
        "a/b",
        "../../admin",
        "a?b=c&d",
        "a#b",
        "100%",
        "%2F",
        "with blank",
        "a\nb",
        "a+b",
        "größer",
        '"><script>',
        "javascript:alert(1)",
        "//elsewhere.example.org",
        "a;b@c",
    ],
)
def test_whatever_an_execution_is_called_is_one_part_of_the_path(execution_id: str) -> None:
    """It can't leave its place, and is read back as it was."""
    link = context(PAGE).link(make_job(execution_id=execution_id))
    assert link is not None
    assert link.isascii()
    assert link.isprintable()
    assert not set(link) & set(" \"<>'")
    address = urlsplit(link)
    assert (address.scheme, address.netloc, address.query, address.fragment) == ("https", "jobs.example.org", "", "")
    assert address.path.count("/") == 3
    assert unquote(address.path.rpartition("/")[2]) == execution_id
