"""Redaction within text, by what the text itself says.

What a secret-looking name introduces is replaced (``password=x``, ``"token": "x"``, ``--api-key x``, ``?sig=x``,
``Authorization: Bearer x``), and so is the userinfo of a URL (``postgres://user:password@host``), and what has the shape
of a known kind of key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from jobreporter._capture.eraser import without
from jobreporter._capture.held import LONGEST, texts
from jobreporter._capture.secret_names import SecretNames, is_directory
from jobreporter._capture.secrets import REDACTED, Secrets
from jobreporter._foreign.bounded_text import valid

if TYPE_CHECKING:
    from jobreporter._capture.finders.finding import Finding

#: Without one of these characters a text says of nothing that it is secret.
SIGNS = b"=:-_<\"'|0123456789"
# Dates, times, numbers and UUIDs, which many jobs are given.
_NUMBERS = re.compile(r"[0-9a-fA-F\-]{1,36}|[\d\-:.,TZ+ /]+")
# The words of a command line, and its characters.
_WORDS = 100
_LINE = 2_000
_LITERAL = re.compile(r"""[fbruFBRU]{0,2}(?P<quote>["'])(?P<text>[^"'{}\\]{3,500})(?P=quote)""")


def may_need_redaction(text: str) -> bool:
    """Whether `Redaction.text` has to look closer: a cheap check, with which most texts are done."""
    return not text.isascii() or len(text.encode().translate(None, SIGNS)) != len(text) or "earer " in text


class Redaction:
    """What is secret: by the built-in names, by ``more`` words or phrases, and by its shape if ``known_shapes``."""

    __slots__ = ("_search", "names")

    def __init__(self, more: Iterable[str] = (), *, known_shapes: bool = True) -> None:
        # Their expressions take longer to compile than all the names that programs use to import.
        from jobreporter._capture.finders.search import Search

        #: The names under which values are secret.
        self.names = SecretNames(more)
        self._search = Search(self.names, known_shapes=known_shapes)

    def conceal(self, name: str, value: Any, secrets: Secrets) -> Any:
        """Remembers a value with a secret name, and whatever in it is a secret by itself; returns what replaces it.

        What is no secret all the same is returned as it is.
        """
        if type(value) is str and len(value) <= LONGEST:
            if value.isalnum():
                secrets.add(value)
                return REDACTED
            if is_directory(name, value):
                return value
        for text in texts(value):
            secrets.add(text)
            for part in self._search.parts(name, text):
                secrets.add(part)
            for finding in self._search.everywhere(text):
                for secret in finding.secrets:
                    secrets.add(secret)
        return REDACTED

    def text(self, text: str, secrets: Secrets) -> str:
        """A text without what it says to be secret, which ``secrets`` remembers; the same object if that is nothing."""
        if not may_need_redaction(text):
            return text
        return self._without(text, list(self._search.everywhere(text)), secrets)

    def finds_nothing_in(self, text: str) -> bool:
        """Whether a text says of nothing that it is secret."""
        return _NUMBERS.fullmatch(text) is not None or next(self._search.everywhere(text), None) is None

    def may_be_by_shape_alone(self, text: str) -> bool:
        """Whether nothing can be secret in a text but by its shape, since there are only single words in it."""
        return not self._search.may_introduce(text) and "://" not in text

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
        written_out = (each for each in self._search.introduced(line) if _is_literal(line, each))
        return self._without(line, [*self._search.by_itself(line), *written_out], secrets)

    def _without(self, text: str, findings: list[Finding], secrets: Secrets) -> str:
        for finding in findings:
            for secret in finding.secrets:
                secrets.note(secret)
        return without(text, [(finding.start, finding.end) for finding in findings]) if findings else text


def _is_literal(line: str, finding: Finding) -> bool:
    """Whether what was found in a line of source is a text that is written out there."""
    start, end = finding.start, finding.end
    return bool(_LITERAL.fullmatch(line, start, end) or _LITERAL.fullmatch(line, max(0, start - 1), end + 1))
