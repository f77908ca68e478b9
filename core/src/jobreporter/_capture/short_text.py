"""The short texts that a job says of itself, such as its tags, without what is secret."""

from __future__ import annotations

from typing import Any

from jobreporter._capture.bounds import Bounds
from jobreporter._capture.eraser import Eraser, shortened
from jobreporter._capture.plain import brief
from jobreporter._capture.redaction import Redaction, may_need_redaction
from jobreporter._capture.secrets import Secrets
from jobreporter._foreign.bounded_text import marked

# So much more is looked at than is kept: what is secret may be known only by how it goes on.
_MARGIN = 500


def short_text(value: Any, limit: int, redaction: Redaction, known: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """At most ``limit`` characters of ``str(value)`` without secrets, and the secrets that are known then."""
    room = limit + _MARGIN
    text = marked(brief(value, Bounds(text=room, items=50, depth=6, total=2 * room), str), limit)
    if may_need_redaction(text):
        secrets = Secrets(known)
        text, known = redaction.text(text, secrets), secrets.found()
    return shortened(Eraser(known).text(text) if known else text, limit), known


def named_text(
    name: str, value: Any, limit: int, redaction: Redaction, known: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    """The same for a value with a name, which may say that all of it is secret."""
    if name not in redaction.names:
        return short_text(value, limit, redaction, known)
    secrets = Secrets(known)
    text = redaction.conceal(name, value, secrets)
    return text, secrets.found()
