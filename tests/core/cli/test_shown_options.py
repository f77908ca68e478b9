"""Values of options, as `check` shows them: without what is secret in them."""

from __future__ import annotations

from typing import Any

import pytest

from jobreporter import Secret
from jobreporter._capture.redaction import Redaction
from jobreporter._cli._toml import Plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (["X-Api-Key", "opt-1-abc"], ["X-Api-Key", "[redacted]"]),
        ([["Authorization", "opt-1-abc"], ["Accept", "a/b"]], [["Authorization", "[redacted]"], ["Accept", "a/b"]]),
        (["mysql", "-popt-1-abc"], ["mysql", "-p[redacted]"]),
        (["curl", "-u", "kim:opt-1-abc", "https://host/"], ["curl", "-u", "kim:[redacted]", "https://host/"]),
        (["tool", "--token", "opt-1-abc"], ["tool", "--token", "[redacted]"]),
        (["redis://:opt-1-abc@cache/0"], ["redis://[redacted]@cache/0"]),
        ({"headers": {"Cookie": "a=opt-1-abc"}}, {"headers": {"Cookie": "[redacted]"}}),
        ("Server=sql;Pwd=opt-1-abc;", "Server=sql;Pwd=[redacted];"),
        ([Secret("opt-1-abc")], ["[redacted]"]),
        (["one", "two"], ["one", "two"]),
    ],
)
def test_a_value_is_shown_without_its_secrets(value: Any, shown: Any) -> None:
    """Pairs, command lines, URLs, headers and connection strings."""
    assert Plain(Redaction()).of(value, "option") == shown
