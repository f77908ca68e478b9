"""Sends one batch, or says what is to become of it."""

from __future__ import annotations

from contextlib import suppress
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec
from jobreporter import TryAgain

from jobreporter_pigeon._options import PigeonOptions


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: the token is for one address alone."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Makes no request, so that the answer is an error like others."""


_OPENER = build_opener(_Stay)


def post(batch: list[dict[str, object]], options: PigeonOptions) -> None:
    """Post the batch as JSON, and wait for the answer.

    Raises TryAgain where another time is better: no answer at all, 429, and 5xx. Anything else is raised as it is,
    which is a crash: it is logged, the batch counts as failed, and the reporter starts afresh.
    """
    headers = {"Content-Type": "application/json"}
    if options.token is not None:
        headers["Authorization"] = f"Bearer {options.token.reveal()}"
    request = Request(options.url, msgspec.json.encode(batch), headers)  # noqa: S310 - the options take http alone
    try:
        with _OPENER.open(request, timeout=options.timeout):
            pass
    except HTTPError as error:
        error.close()
        if error.code == 429 or error.code >= 500:
            raise TryAgain(_seconds(error.headers.get("Retry-After"))) from error
        raise
    except (OSError, HTTPException) as error:
        raise TryAgain from error


def _seconds(retry_after: str | None) -> float | None:
    """The pause that the answer asks for, an hour at most; ``None`` if it asks for none that is a number."""
    with suppress(TypeError, ValueError):
        return min(max(float(retry_after or ""), 0.0), 3600.0)
    return None
