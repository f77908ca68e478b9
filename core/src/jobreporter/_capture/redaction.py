"""Redaction within text, by what the text itself says.

What a secret-looking name introduces is replaced (``password=x``, ``"token": "x"``, ``--api-key x``, ``?sig=x``,
``Authorization: Bearer x``), and so is the userinfo of a URL (``postgres://user:password@host``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from jobreporter._capture.secret_names import SecretNames
from jobreporter._capture.secrets import LONGEST, REDACTED, Secrets
from jobreporter._capture.text import cut

# Every pattern takes linear time: what it repeats is possessive (`++`), bounded, or can't match what has to follow.

# name=x, name => x, cfg["name"] = x, and in quotes also "name": x. Without them a colon is mostly prose.
_ASSIGNED = re.compile(
    r"""(?<![\w.\-]) (?P<name> [\w.\-]++)
        (?: \\{0,3} ["']? \]? [ \t]*+ (?: => | =(?!=) ) | \\{0,3} ["'] \]? [ \t]*+ : ) [ \t]*+""",
    re.VERBOSE,
)
# A header line, known by its shape.
_HEADER = re.compile(
    r"""(?<![\w.\-]) (?P<name> (?i: (?:proxy-)? authorization | (?:set-)? cookie | x-[\w\-]++) | [A-Z]\w*+-[\w\-]++)
        [ \t]*+ : [ \t]*+""",
    re.VERBOSE,
)
# An option of a command line, also as `repr` shows a list of arguments.
_OPTION = re.compile(r"""(?<![\w\-]) --(?P<name> [\w\-]++) ["']? ,? [ \t]++ (?!-)""", re.VERBOSE)

_SCHEME = r"(?: Bearer | Basic | Digest | Negotiate | Token ) [ ]++"
# A value: in quotes, also the escaped ones of JSON within JSON, or up to the next separator. What an opening bracket
# begins has no end that a pattern finds, so it lasts until the end of the text.
_VALUE = re.compile(
    rf"""  \\{{1,3}} (?P<quote> ["']) (?: (?! \\{{1,3}} (?P=quote)) . )*+ (?: \\{{1,3}} . )?
        | [bru]? " (?: [^"\\] | \\. )*+ "?
        | [bru]? ' (?: [^'\\] | \\. )*+ '?
        | < .*+
        | (?: {_SCHEME} )? [^\s,;&"'()\[\]{{}}<>]*+ (?: [(\[{{] .*+ )?""",
    re.VERBOSE | re.DOTALL,
)
_LINE = re.compile(r"[^\r\n]*+")
# What stands in front of the secret itself.
_WRAPPING = re.compile(rf"""{_SCHEME} | [bru]? \\{{0,3}} ["']""", re.VERBOSE)

_BEARER = re.compile(r"\bBearer[ ]++(?P<secret>[\w.~+/=\-]{8,})")
# The part of a URL before the @. A password should not hold a slash, and often does: it is told from a port by not
# being a number. One that was cut off ends in the mark that says so.
_USERINFO = re.compile(
    r"""://(?P<secret> [^\s/?\#"'<>]*
                     | [^\s/?\#:@"'<>]* : (?! \d*+ (?: [/?\#"'<>,;)\s] | \Z)) [^\s"'<>@]{1,256}
           ) (?= @ | \.\.\.[ ]\( \d++ [ ](?:characters|bytes)\)\Z)""",
    re.VERBOSE,
)

# In every text with a header that has no hyphen in its name.
_HEADERS = ("authorization", "cookie")
# Secret in the query of a URL, and mostly not elsewhere.
_QUERY_NAMES = frozenset(["key", "sig", "signature"])


def may_need_redaction(text: str) -> bool:
    """Whether `Redaction.text` has to look closer: a cheap check, with which most texts are done."""
    return "=" in text or ":" in text or "--" in text or "earer " in text


class Redaction:
    """What is secret: by the built-in names, and by ``more`` words or phrases."""

    __slots__ = ("names",)

    def __init__(self, more: Iterable[str] = ()) -> None:
        #: The names under which values are secret.
        self.names = SecretNames(more)

    def conceal(self, value: Any, secrets: Secrets) -> str:
        """Remembers a value with a secret name, and whatever in it is a secret by itself; returns what replaces it."""
        if issubclass(type(value), str):
            text = cut(value, LONGEST)
            self.text(text, secrets)
            secrets.add(_bare(text))
        return secrets.take(value)

    def text(self, text: str, secrets: Secrets) -> str:
        """A text without what it says to be secret, which ``secrets`` remembers; the same object if that is nothing."""
        colon, equals = ":" in text, "=" in text
        if colon and ("-" in text or any(map(text.lower().__contains__, _HEADERS))):
            text = self._without(text, _HEADER, _LINE, secrets)
        if equals or (colon and ('"' in text or "'" in text)):
            text = self._without(text, _ASSIGNED, _VALUE, secrets)
        if "--" in text:
            text = self._without(text, _OPTION, _VALUE, secrets)
        if "earer " in text:
            text = _BEARER.sub(lambda found: "Bearer " + secrets.take(found["secret"]), text)
        if colon and "://" in text:
            text = _USERINFO.sub(lambda found: "://" + secrets.take(found["secret"].rpartition(":")[2]), text)
        return text

    def _without(self, text: str, introduction: re.Pattern[str], values: re.Pattern[str], secrets: Secrets) -> str:
        """A text without the values that secret names introduce."""
        pieces: list[str] = []
        done = 0
        for found in introduction.finditer(text):
            start = found.end()
            if found.start() < done or not self._is_secret(found) or text.startswith(REDACTED, start):
                continue
            value = values.match(text, start)
            if value is not None and value[0]:
                pieces += (text[done:start], secrets.take(_bare(value[0])))
                done = value.end()
        return "".join((*pieces, text[done:])) if pieces else text

    def _is_secret(self, found: re.Match[str]) -> bool:
        name = found["name"]
        if name in self.names:
            return True
        return name in _QUERY_NAMES and found.string.startswith(("?", "&"), max(0, found.start() - 1))


def _bare(value: str) -> str:
    """A value without its quotes, or the scheme in front of it."""
    wrapping = _WRAPPING.match(value)
    return value[wrapping.end() :].rstrip("\\\"'") if wrapping else value
