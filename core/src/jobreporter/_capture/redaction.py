"""Redaction within text, by what the text itself says.

What a secret-looking name introduces is replaced (``password=x``, ``"token": "x"``, ``--api-key x``, ``?sig=x``,
``Authorization: Bearer x``), and so is the userinfo of a URL (``postgres://user:password@host``), and what has the shape
of a known kind of key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from jobreporter._capture.eraser import without
from jobreporter._capture.finders.commands import commands
from jobreporter._capture.finders.databases import databases, statements
from jobreporter._capture.finders.finding import Finding
from jobreporter._capture.finders.headers import bearers, headers, parts_of
from jobreporter._capture.finders.named import assigned, bracketed, fields, markup, options, pairs, queries
from jobreporter._capture.finders.prose import may_be_sentences, sentences
from jobreporter._capture.finders.shapes import cards, shapes
from jobreporter._capture.finders.urls import userinfo
from jobreporter._capture.finders.values import bare
from jobreporter._capture.held import LONGEST, texts
from jobreporter._capture.secret_names import SecretNames
from jobreporter._capture.secrets import REDACTED, Secrets
from jobreporter._foreign.bounded_text import valid

#: Without one of these characters a text says of nothing that it is secret.
SIGNS = b"=:-_<\"'|0123456789"
# Dates, times, numbers and UUIDs, which many jobs are given.
_NUMBERS = re.compile(r"[0-9a-fA-F\-]{1,36}|[\d\-:.,TZ+ /]+")
# Without one of these a text is a single word, and has nothing to name.
_JOINTS = " =:,<"
# The words of a command line, and its characters.
_WORDS = 100
_LINE = 2_000
_LITERAL = re.compile(r"""[fbruFBRU]{0,2}(?P<quote>["'])(?P<text>[^"'{}\\]{3,500})(?P=quote)""")


def may_need_redaction(text: str) -> bool:
    """Whether `Redaction.text` has to look closer: a cheap check, with which most texts are done."""
    return not text.isascii() or len(text.encode().translate(None, SIGNS)) != len(text) or "earer " in text


class Redaction:
    """What is secret: by the built-in names, by ``more`` words or phrases, and by its shape if ``known_shapes``."""

    __slots__ = ("_known_shapes", "names")

    def __init__(self, more: Iterable[str] = (), *, known_shapes: bool = True) -> None:
        #: The names under which values are secret.
        self.names = SecretNames(more)
        self._known_shapes = known_shapes

    def conceal(self, name: str, value: Any, secrets: Secrets) -> str:
        """Remembers a value with a secret name, and whatever in it is a secret by itself; returns what replaces it."""
        if type(value) is str and len(value) <= LONGEST and value.isalnum():
            secrets.add(value)
            return REDACTED
        for text in texts(value):
            secrets.add(text)
            for part in parts_of(name, bare(text)):
                secrets.add(part)
            for finding in self._findings(text):
                for secret in finding.secrets:
                    secrets.add(secret)
        return REDACTED

    def text(self, text: str, secrets: Secrets) -> str:
        """A text without what it says to be secret, which ``secrets`` remembers; the same object if that is nothing."""
        if not may_need_redaction(text):
            return text
        return self._without(text, list(self._findings(text)), secrets)

    def finds_nothing_in(self, text: str) -> bool:
        """Whether a text says of nothing that it is secret."""
        return _NUMBERS.fullmatch(text) is not None or next(self._findings(text), None) is None

    def words(self, items: Iterable[Any], secrets: Secrets) -> None:
        """Remembers what is secret among the words of a command line, if that is what a list of texts is."""
        for item in items:
            if type(item) is str and item[:1] == "-":
                words = [item for item in islice(items, _WORDS) if type(item) is str]
                self.text(valid(" ".join(words)[:_LINE]), secrets)
                return

    def code(self, line: str, secrets: Secrets) -> str:
        """A line of source without the secrets that are written out in it: in code, most of what a name gets is no value."""
        if not may_need_redaction(line):
            return line
        written_out = (each for each in self._introduced(line) if _is_literal(line, each))
        return self._without(line, [*self._by_itself(line), *written_out], secrets)

    def _without(self, text: str, findings: list[Finding], secrets: Secrets) -> str:
        for finding in findings:
            for secret in finding.secrets:
                secrets.note(secret)
        return without(text, [(finding.start, finding.end) for finding in findings]) if findings else text

    def _findings(self, text: str) -> Iterator[Finding]:
        yield from self._by_itself(text)
        if any(map(text.__contains__, _JOINTS)):
            yield from self._introduced(text)

    def _by_itself(self, text: str) -> Iterator[Finding]:
        """What is known to be secret whatever is around it."""
        if self._known_shapes:
            yield from shapes(text)
        if "@" in text or "://" in text:
            yield from userinfo(text)

    def _introduced(self, text: str) -> Iterator[Finding]:
        """What the words around it say to be secret."""
        if "=" in text:
            yield from queries(text)
        if " " in text:
            yield from bearers(text)
            yield from commands(text, self.names)
        lower = text.lower()
        if self._known_shapes:
            yield from cards(text, lower)
        if may_be_sentences(lower):
            yield from sentences(text)
        if self.names.occur_in(text, lower):
            for signs, finder in _FINDERS:
                if any(map(lower.__contains__, signs)):
                    yield from finder(text, self.names)


# How texts introduce what they name. Where none of the signs is in a text, that way isn't either.
_FINDERS: Final = (
    (("-", "authorization", "cookie", "apikey"), headers),
    ((":",), fields),
    (("=", ":"), assigned),
    ((",",), pairs),
    (("-",), options),
    (("<",), markup),
    (("[",), bracketed),
    ((")=(", "duplicate", "input_value=", "column"), databases),
    (("insert", "replace", "parameters", "params", "args"), statements),
)


def _is_literal(line: str, finding: Finding) -> bool:
    """Whether what was found in a line of source is a text that is written out there."""
    start, end = finding.start, finding.end
    return bool(_LITERAL.fullmatch(line, start, end) or _LITERAL.fullmatch(line, max(0, start - 1), end + 1))
