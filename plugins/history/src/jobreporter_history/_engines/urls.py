"""The URL of a store: which database it is, and where."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from jobreporter_history._engines.trouble import Refused

_SQLITE = "sqlite://"
_POSTGRESQL = ("postgresql", "postgres")
# Nothing of the URL itself is quoted: it may have a password in it.
_EXPECTED = "expected sqlite:// and an absolute path, or the URL of a PostgreSQL database"


def is_postgresql(url: str) -> bool:
    """Whether it names a PostgreSQL server. Raises `Refused` for a URL of another kind."""
    scheme = url.partition(":")[0]
    if scheme in _POSTGRESQL:
        return True
    if not url.startswith(_SQLITE):
        known = scheme if scheme.isalnum() else "no URL"
        raise Refused(f"the store's URL is of the kind {known!r}; {_EXPECTED}")
    return False


def sqlite_path(url: str) -> Path:
    """The file that an ``sqlite://`` URL names, by the rule of a stream's. Raises `Refused` if its path isn't absolute."""
    if "?" in url:  # here too no word of the URL is said
        raise Refused("the store's URL has a question mark, which is written %3F in a path")
    path = unquote(url.removeprefix(_SQLITE))
    if not path.startswith("/") or path.endswith("/"):
        # Nor any word of the URL, which core would take for a quotation of the secret.
        raise Refused(
            "the store's URL names no file by an absolute path: expected three slashes, and the path from there"
        )
    # Three slashes and four mean the same: some tools write the one, some the other.
    return Path("/" + path.lstrip("/"))


def sqlite_url(path: Path) -> str:
    """The URL that names the file."""
    return f"{_SQLITE}{str(path).replace('%', '%25').replace('?', '%3F')}"


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    if url.startswith(_SQLITE):
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    # A query may carry a password too, and nothing in it helps to know the place.
    return urlunsplit((parts.scheme, user.partition(":")[0] + at + host, parts.path, "", ""))
