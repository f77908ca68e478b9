"""All that texts say to be secret, by what is known to be so wherever it stands and by the words around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jobreporter._capture.finders.columns import columns
from jobreporter._capture.finders.commands import commands
from jobreporter._capture.finders.credentials import credentials
from jobreporter._capture.finders.databases import databases, statements
from jobreporter._capture.finders.finding import Finding
from jobreporter._capture.finders.headers import bearers, headers, parts_of
from jobreporter._capture.finders.markup import forms, markup
from jobreporter._capture.finders.named import (
    assigned,
    bracketed,
    exported,
    fields,
    labelled,
    named_beside,
    options,
    pairs,
    queries,
    rows,
    signatures,
    slashed,
)
from jobreporter._capture.finders.prose import may_be_sentences, numbers, sentences
from jobreporter._capture.finders.refused import refused
from jobreporter._capture.finders.shapes import cards, shapes
from jobreporter._capture.finders.urls import userinfo
from jobreporter._capture.finders.values import bare
from jobreporter._capture.readings import Reading, in_plain_letters, readings
from jobreporter._capture.secret_names import SecretNames

# Without one of these a text is a single word, and has nothing to name.
_JOINTS = " =:,;<|\t("
# Signs that introduce something, as Chinese and Japanese are written: each as wide as a letter of theirs.
_NARROW: Final = {ord(sign) + 0xFEE0: sign for sign in ":=,;()"} | {0x3000: " "}
# Signs that introduce something, escaped: those of a URL within another, of JSON in HTML, of JSON in JSON. Quotes behind a
# few backslashes are read as they stand.
_ESCAPED = re.compile(
    r"""%(?:25)*+(?:3[aAdD]|22)|&(?:amp;)*+(?:quot|lt|\#0?3[49]|\#[xX]2[27]);|(?<!\\)\\++(?:u00(?:22|3[aAdD])|n[ \t]*+\w|(?<=\\{4})["'])"""
)


class Search:
    """Looks for what has one of the names, and for keys of known shapes if ``known_shapes``."""

    __slots__ = ("_known_shapes", "_names")

    def __init__(self, names: SecretNames, *, known_shapes: bool) -> None:
        self._names = names
        self._known_shapes = known_shapes

    def everywhere(self, text: str) -> Iterator[Finding]:
        """All that a text says to be secret, as it stands and in what is escaped in it."""
        yield from self._as_it_stands(text)
        if not text.isascii():
            if (narrow := text.translate(_NARROW)) != text:
                yield from self._as_it_stands(narrow)
            if (plain := in_plain_letters(text)) is not None:
                yield from self._as_read(plain)
        if ("%" in text or "&" in text or "\\" in text) and _ESCAPED.search(text):
            for reading in readings(text):
                yield from self._as_read(reading)

    def _as_read(self, reading: Reading) -> Iterator[Finding]:
        for start, end, secrets in self._as_it_stands(reading.text):
            yield Finding(reading.origin(start), reading.origin(end), secrets)

    def _as_it_stands(self, text: str) -> Iterator[Finding]:
        yield from self.by_itself(text)
        if self.may_introduce(text):
            yield from self.introduced(text)

    @staticmethod
    def may_introduce(text: str) -> bool:
        """Whether a text may say something of what is in it: a single word can't."""
        return any(map(text.__contains__, _JOINTS))

    def parts(self, name: str, text: str) -> Iterator[str]:
        """The secrets within a value that is one, which has this name: each cookie's, say, or the word after a scheme."""
        yield from parts_of(name, bare(text))

    def by_itself(self, text: str) -> Iterator[Finding]:
        """What is known to be secret whatever is around it."""
        if self._known_shapes:
            yield from shapes(text)
        if "@" in text or "://" in text:
            yield from userinfo(text)

    def introduced(self, text: str) -> Iterator[Finding]:
        """What the words around it say to be secret."""
        if "=" in text:
            yield from queries(text)
        yield from credentials(text)
        if " " in text:
            yield from bearers(text)
            yield from commands(text, self._names)
        lower = text.lower()
        if self._known_shapes:
            yield from cards(text, lower)
        if may_be_sentences(lower):
            yield from sentences(text)
        yield from numbers(text, lower)
        if "sig" in lower or "hmac" in lower:
            yield from signatures(text)
        if self._names.occur_in(text, lower):
            for signs, finder in _FINDERS:
                if any(map(lower.__contains__, signs)):
                    yield from finder(text, self._names)


# How texts introduce what they name. Where none of the signs is in a text, that way isn't either.
_FINDERS: Final = (
    (("-", "authorization", "cookie", "apikey"), headers),
    ((":",), fields),
    (("|", "\t"), rows),
    (("=", ":"), assigned),
    ((",",), pairs),
    (("-",), options),
    (("/",), slashed),
    (("form-data",), forms),
    (("<",), markup),
    ((": ", "**"), labelled),
    (("env ", "set -", "_header ", "_param ", "header set"), exported),
    (("value", "val"), named_beside),
    (("[",), bracketed),
    ((")=(", "duplicate", "input_value=", "column", "like", "in ("), databases),
    (("value", "choice", "input", "[line"), refused),
    ((",", ";", "\t"), columns),
    (("insert", "replace", "parameters", "params", "args"), statements),
)
