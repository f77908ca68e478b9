"""An error of a reporter in words: what it says, where in the plugin it came from, and what that may mean."""

from __future__ import annotations

import traceback
from types import FrameType
from typing import cast

from jobreporter._capture.bounds import NARROW
from jobreporter._capture.own_code import STANDARD_LIBRARY
from jobreporter._capture.own_words import OwnWords, hide_secrets_in
from jobreporter._capture.plain import plain
from jobreporter._foreign.classes import derives_from, short_name
from jobreporter._foreign.containers import is_light
from jobreporter._plugins.hooks import GENERATED
from jobreporter.errors import BrokenReporter, ConfigError, PluginError, Undeliverable
from jobreporter.text import one_line

_LONGEST = 500

OWN = OwnWords()
# Sources log through it too, and what they can't report may be about a job's arguments.
hide_secrets_in("jobreporter", OWN)

# What these say is a sentence for an operator already.
_SENTENCES = (BrokenReporter, ConfigError, PluginError, Undeliverable)
_INSTALLED = ("/site-packages/", "/dist-packages/")
# What a server's answer means to somebody who has to do something about it.
_REFUSED = {
    401: "the server does not accept the key or password",
    403: "the server does not let this key or user do that",
    404: "there is nothing at that address, or nothing for this key",
    407: "the proxy wants a user and password",
}


def describe(error: BaseException, words: OwnWords = OWN) -> str:
    """The error in a few words that can't raise, without secrets, with the plugin's own innermost place that it came from.

    A `BrokenReporter`, an `Undeliverable` or a refusal is a sentence already, and where it was raised helps nobody.
    """
    kind = type(error)
    try:
        # What is secret goes before it is cut: half of it has no shape.
        message = words.text(_message(error))
    except BaseException:  # a hostile __str__ must not end the lane's thread
        message = "its message can't be shown"
    else:
        if message and any(derives_from(kind, each) for each in _SENTENCES):
            return one_line(message, _LONGEST)
    name = short_name(kind)
    meaning = _REFUSED.get(_status_of(error), "")
    return (
        one_line(f"{name}: {message}" if message else name, _LONGEST)
        + (f" ({meaning})" if meaning else "")
        + _place(error)
    )


def _message(error: BaseException) -> str:
    if derives_from(type(error), PluginError):
        refusal = cast(PluginError, error)
        return refusal.problem + (f" ({refusal.distribution} {refusal.version})" if refusal.distribution else "")
    # All that it is about may take any time.
    return str(error if is_light(error) else plain(error, NARROW))


def _status_of(error: BaseException) -> int:
    """The status of an HTTP answer that an error is about, as the usual clients have it; 0 for any other error."""
    try:
        return _found_status(error)
    except BaseException:  # an answer's own code
        return 0


def _found_status(error: BaseException) -> int:
    for holder in (vars(error), vars(error).get("response")):
        for name in ("code", "status", "status_code"):
            status = holder.get(name) if isinstance(holder, dict) else getattr(holder, "__dict__", {}).get(name)
            if type(status) is int:
                return status
    return 0


def _place(error: BaseException) -> str:
    """The innermost call of the plugin's own code; of what isn't called by a hook, the innermost of anybody's own."""
    calls = list(traceback.walk_tb(error.__traceback__))
    behind_hook = next((index + 1 for index, (frame, _) in enumerate(calls) if _is_generated(frame)), 0)
    calls = calls[behind_hook:]
    if not calls:
        return ""
    package = _package(calls[0][0])
    own = [call for call in calls if _package(call[0]) == package] if behind_hook else calls
    frame, line = next((call for call in reversed(own) if not _is_standard(call[0])), own[-1])
    return f" ({one_line(frame.f_code.co_filename, _LONGEST)}:{line} in {frame.f_code.co_name})"


def _is_generated(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(GENERATED)


def _is_standard(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name.startswith("<frozen ") or (
        name.startswith(STANDARD_LIBRARY) and not any(part in name for part in _INSTALLED)
    )


def _package(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__", "")
    return name.partition(".")[0] if isinstance(name, str) else ""
