"""Headers of HTTP and the like, known by their shape, and what follows a ``Bearer``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jobreporter._capture.finders.finding import Finding
from jobreporter._capture.finders.values import Value, bare, is_secret, line_at, until
from jobreporter._capture.secret_names import SecretNames

_HEADER = re.compile(
    r"""(?P<quote> (?<!\w)["'] )? (?<![\w.\-])
        (?P<name> (?i: (?:proxy-)? authorization | (?:set-)? cookie | x-[\w\-]++ | api-?key ) | [A-Z]\w*+-[\w\-]++ | [a-z]++-[a-z][a-z\-]*+(?=:[ ]\S) )
        [ \t]*+ : [ \t]*+""",
    re.VERBOSE,
)
_AT_LINE_START = re.compile(r"(?:^|\n)[ \t]*+(?:[<>*+|][ \t]*+)?\Z")
# A scheme and what belongs to it: one word, or parameters with commas between them.
_CREDENTIALS = re.compile(
    r"""[^\s,"'<>]++ (?: [ ]++ (?=[^\s,]) )? (?: [\w\-]++ = (?:"[^"\n]*+"|[^\s,"]++) (?: ,[ ]? [\w\-]++ = (?:"[^"\n]*+"|[^\s,"]++) )*+ | [^\s,"'<>()]++ )?""",
    re.VERBOSE,
)
_WORD = re.compile(r"[^\s,;\"'<>()]++")
_BEARER = re.compile(r"\b[Bb]earer[ ]++(?P<secret>(?![a-z_]{1,20}=[\"'])[\w.~+/=\-]{8,})")
_PARAMETER = re.compile(r'(?P<name>[\w\-]++)=(?P<value>"[^"\n]*+"|[^\s,"]++)')
_SECRET_PARAMETERS = frozenset(["signature", "response", "credential", "mac", "sig", "oauth_signature", "cnonce"])
_COOKIE_ATTRIBUTES = frozenset(["path", "domain", "expires", "max-age", "samesite", "priority", "version"])


def headers(text: str, names: SecretNames) -> Iterator[Finding]:
    """What a header with a secret name says: all of its line, or in the middle of a text what belongs to it."""
    done = 0
    for found in _HEADER.finditer(text):
        if found.start() < done or found["name"] not in names:
            continue
        value = _value(text, found)
        if value is not None and is_secret(bare(value.bare)) and not _is_prose(found["name"], value.bare):
            yield Finding(found.end(), value.end, parts_of(found["name"], value.bare))
            done = value.end


def _is_prose(name: str, value: str) -> bool:
    """Whether what stands behind a name are words about it, and no credentials: ``authorization: required scope x``."""
    words = value.split()
    if len(words) <= 2 or words[0].lower() in _SCHEMES or "=" in value:
        return False
    return name.lower().endswith(("authorization", "cookie"))


def bearers(text: str) -> Iterator[Finding]:
    """The word after ``Bearer``, wherever it stands."""
    if "earer " not in text:
        return
    for found in _BEARER.finditer(text):
        if is_secret(found["secret"]) and any(not each.isalpha() for each in found["secret"]):
            yield Finding(*found.span("secret"), (found["secret"],))


def parts_of(name: str, value: str) -> tuple[str, ...]:
    """What of a header's value, or of another value with such a name, is secret by itself."""
    kind = name.lower().replace("_", "-")
    if kind.endswith(("cookie", "cookies")):
        return (value, *_cookies(value))
    scheme, _, rest = value.strip().partition(" ")
    if not rest or not (kind.endswith(("authorization", "auth")) or scheme.lower() in _SCHEMES):
        return (value,)
    parameters = [
        each["value"].strip('"')
        for each in _PARAMETER.finditer(rest)
        if each["name"].lower() in _SECRET_PARAMETERS or "token" in each["name"].lower()
    ]
    return (value, *(parameters if "=" in rest.rstrip("=") and parameters else [rest.strip()]))


_SCHEMES = frozenset(["bearer", "basic", "digest", "negotiate", "token", "apikey", "ntlm", "key", "hmac"])


def _cookies(value: str) -> Iterator[str]:
    for each in value.split(";"):
        name, equals, held = each.strip().partition("=")
        if equals and name.lower() not in _COOKIE_ATTRIBUTES and len(held.strip('"')) > 3:
            yield held.strip('"')


def _value(text: str, found: re.Match[str]) -> Value | None:
    start, name = found.end(), found["name"].lower()
    if found["quote"]:
        return until(text, start, found["quote"])
    if _AT_LINE_START.search(text, max(0, found.start() - 100), found.start()) or name.endswith("cookie"):
        return line_at(text, start)
    pattern = _CREDENTIALS if name.endswith(("authorization", "-auth")) else _WORD
    value = pattern.match(text, start)
    return Value(value.end(), value[0]) if value and is_secret(value[0]) else None
