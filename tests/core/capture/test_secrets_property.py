"""A value that capture knew to be secret is in no event, whatever it is, and in whatever way it is written there."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from jobreporter._capture.common_words import COMMON_WORDS
from jobreporter._capture.secrets import REDACTED

from .hostile_objects import Box
from .reports import leaves, report

Write = Callable[[str], str]

# Whatever stands around it is no part of a word.
BULLET = "\u2022"

writings: st.SearchStrategy[Write] = st.sampled_from(
    [
        str,
        repr,
        ascii,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        quote,
        lambda text: quote(text, safe=""),
        quote_plus,
        html.escape,
        lambda text: repr(text.encode()),
        str.strip,
        lambda text: json.dumps({"a": [text]}),
        lambda text: quote_plus(quote_plus(text)),
        lambda text: html.escape(json.dumps(text)),
    ]
)
secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=40) | st.from_regex(
    r"[A-Za-z0-9+/_.\-%&\\\"']{6,40}", fullmatch=True
)
names = st.sampled_from(["password", "api_key", "Authorization", "x-auth-token", "userSSN", "client_secret"])


def arguments(name: str, value: str) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments with the secret in them, at any depth, and as a value of any kind."""
    kinds = st.sampled_from([value, value.encode(), [value], {"a": value}, Box(value), bytearray(value.encode())])
    return st.builds(
        lambda held, depth, before: {"given": [*range(before), _nested({name: held}, depth)]},
        kinds,
        st.integers(0, 12),
        st.sampled_from([0, 60]),
    )


def _nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


@settings(max_examples=300, deadline=None)
@given(st.data(), names, secrets, st.lists(writings, min_size=1, max_size=3))
@example(None, "password", "a%41&amp;b\\n+c d", [quote_plus, repr])
@example(None, "password", "\t tab and space \n", [str, quote])
@example(None, "password", "\\u00e9\\", [json.dumps, repr])
def test_what_is_known_to_be_secret_is_in_no_event(
    data: st.DataObject | None, name: str, secret: str, writes: list[Write]
) -> None:
    """Escaped, encoded or stripped: in a message, a note, a cause, a tag, a reason, a name or another argument."""
    bare = secret.strip()
    assume(len(bare) >= 4 and bare.lower() not in COMMON_WORDS)
    kwargs = {name: secret} if data is None else data.draw(arguments(name, secret))
    written = [write(secret) for write in writes]
    text = f"{BULLET} {BULLET} ".join(["", *written, ""])

    def act() -> None:
        error = ValueError(text)
        error.add_note(text)
        raise error from KeyError(text)

    found = report(
        text,
        act=act,
        tags={"a": text},
        name=f"job {text}",
        fields={"queue": text, "extra": {"b": [text]}},
        also=text,
        **kwargs,
    )
    aborted = report(abort=text, **kwargs)
    outcome, error = found.outcome, found.outcome.error
    told = leaves(
        [
            outcome.job.args,
            outcome.job.kwargs,
            outcome.job.extra,
            outcome.job.name,
            outcome.job.queue,
            outcome.tags,
            error.message,
            error.notes,
            error.cause.message,
            aborted.outcome.reason,
        ]
    )
    for leaf in told:
        shown = leaf.replace(REDACTED, "")
        assert bare not in shown
        for form in written:
            assert form.strip("b'\" \t\r\n") not in shown
