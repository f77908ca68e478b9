"""What templates do to each text that somebody else wrote."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from jobreporter_history._display.text import visible

#: Characters of one text on a page. The export has all that is kept.
LONGEST = 20_000


def shown(value: Any) -> Any:
    """What a template writes: of text, control and format characters are shown instead of obeyed.

    Every expression of every template goes through here, and is escaped for HTML after that.
    """
    if value is None:
        return ""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if len(value) > LONGEST:
        value = f"{value[:LONGEST]} … ({len(value):,} characters in all)"
    return value if value.isprintable() else visible(value)
