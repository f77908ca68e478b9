"""What jobreporter says itself, without secrets: an exception may quote a reporter's options, or a job's arguments."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakSet

import msgspec

from jobreporter._capture.eraser import Eraser
from jobreporter._capture.errors import capture_error
from jobreporter._capture.gathering import Gathering
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.secrets import Secrets
from jobreporter._foreign.bounded_text import cut
from jobreporter.error_info import ErrorInfo
from jobreporter.options import Secret

# Characters of a text that are looked at.
_LONGEST = 10_000
# How a fault of the config begins: ``option 'token': the environment variable TOKEN is not set``.
_OF_CONFIG = re.compile(
    r"\b((?:option|key) '[^'\n]{1,80}'):(?= (?:the environment variable|the file|expected|found|unknown key) )"
)
# Stands between a name and its colon, so that the two don't look like an assignment. No line of ours has it.
_MARK = "\x00"


class OwnWords:
    """Takes secrets out of texts: those that it was told of, and what a text itself says to be one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._redaction = Redaction()
        #: What it was told of.
        self.secrets = tuple(secrets)

    def learn(self, options: object) -> None:
        """Remember what is secret in a reporter's options, besides what was in them before: one may have been replaced."""
        secrets = Secrets(self.secrets)
        for revealed in _revealed(options):
            self._redaction.conceal("secret", revealed, secrets)
        Gathering(self._redaction, secrets).values(options)
        self.secrets = secrets.found()

    def text(self, text: str) -> str:
        """The text without secrets."""
        secrets = Secrets(self.secrets)
        # What the config says of an option that is named like a secret is no secret: it is what the operator has to know.
        said = _OF_CONFIG.sub(rf"\1{_MARK}:", cut(text, _LONGEST))
        redacted = self._redaction.text(said, secrets).replace(f"{_MARK}:", ":")
        return Eraser(secrets.found()).text(redacted)

    def error(self, error: BaseException) -> ErrorInfo:
        """An exception as plain data without secrets."""
        return capture_error(error, self._redaction, self.secrets).complete()


class _Hiding(logging.Filter):
    """Takes secrets out of what a logger of ours logs, tracebacks included."""

    def __init__(self) -> None:
        super().__init__()
        #: Not kept alive by this: a program may make many dispatchers.
        self.words: WeakSet[OwnWords] = WeakSet()

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            words = OwnWords(secret for each in list(self.words) for secret in each.secrets)
            text = record.getMessage()
            if (hidden := words.text(text)) != text:
                record.msg, record.args = hidden, ()
            if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
                info = words.error(record.exc_info[1])
                safe = info.to_exception()
                record.exc_info, record.exc_text = (type(safe), safe, safe.__traceback__), str(info)
        except Exception as error:  # the handlers would only say so at length
            record.msg, record.args, record.exc_info = f"a line that can't be shown ({type(error).__name__})", (), None
        return True


def hide_secrets_in(logger: str, words: OwnWords) -> None:
    """From now on, what this logger logs has no secrets in it."""
    found = logging.getLogger(logger)
    hiding = next((each for each in found.filters if isinstance(each, _Hiding)), None)
    if hiding is None:
        hiding = _Hiding()
        found.addFilter(hiding)
    hiding.words.add(words)


def _revealed(value: Any) -> Iterator[str]:
    """The secrets among options, at any depth."""
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, msgspec.Struct):
        yield from _revealed(msgspec.structs.astuple(value))
    elif isinstance(value, dict):
        yield from _revealed(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _revealed(item)
