"""Values that an element of XML or HTML holds, an attribute, or a field of a form: ``<Password>x</Password>``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jobreporter._capture.finders.finding import Finding, introduced_by
from jobreporter._capture.finders.prose import looks_random
from jobreporter._capture.finders.values import Value, line_at, until, value_at
from jobreporter._capture.secret_names import SecretNames

# A field of a form that is sent with its files.
_FORM = re.compile(
    r"""form-data; [^\r\n]{0,200}? \bname=" (?P<name> [^"\r\n]{1,200}+) " [^\r\n]{0,400}+ \r?\n (?: [A-Za-z][\w\-]{0,60}+ : [^\r\n]{0,400}+ \r?\n ){0,5}+
        \r?\n (?=[^\s])""",
    re.VERBOSE,
)
# An element or attribute of XML, and two attributes that are a name and its value.
_ELEMENT = re.compile(
    r"< (?:[\w\-]{1,40}+:)? (?P<name> [\w.\-]{1,80}+) (?:[ ][^<>]{0,400})? > (?:<!\[CDATA\[)?+ (?=[^<\s])", re.VERBOSE
)
# <string name="password">x</string>, and <key>password</key><string>x</string>.
_NAMED_ELEMENT = re.compile(
    r"""< (?: string|property|entry|param|parameter|field|item|arg|setting|data|attribute|variable|env )
          [ ] (?:[^<>]{0,200}[ ])? (?:name|key|id) = ["'] (?P<name> [\w.\-]{1,80}+) ["'] [^<>]{0,200} > (?:<!\[CDATA\[)?+ (?=[^<\s])""",
    re.VERBOSE | re.IGNORECASE,
)
_ELEMENTS = re.compile(
    r"<(?:key|name)> \s*+ (?P<name> [\w.\-]{1,80}+) \s*+ </(?:key|name)> \s*+ (?: <(?:string|value|data)> \s*+ ){1,2}+ (?:<!\[CDATA\[)?+ (?=[^<\s])",
    re.VERBOSE | re.IGNORECASE,
)
_ATTRIBUTES = re.compile(
    r"""\b (?:name|key|field) = ["'] (?P<name> [\w.\-:]{1,80}+) ["'] [^<>\n]{0,200}? \b (?:value|content) = (?=["'])""",
    re.VERBOSE,
)
# The same in HTML, where the value is an element of its own, or follows one.
_CAPTION = re.compile(
    r"""(?<=>) \s{0,40}+ (?:[^\W\d][\w\-]{0,30}[ ]){0,3} (?P<name> [^\W\d][\w\-]*+ ) [ ]?+ (?: :?+ \s{0,40}+ </\w{1,20}> :?+ | : ) \s{0,40}+ (?: <[^<>]{1,200}> \s{0,40}+ ){0,3}+ (?=[^<\s])""",
    re.VERBOSE,
)


def forms(text: str, names: SecretNames) -> Iterator[Finding]:
    """The content of a form's field."""
    return introduced_by(text, _FORM, names, line_at)


def markup(text: str, names: SecretNames) -> Iterator[Finding]:
    """What an element of XML holds, or its attribute ``value``."""
    for pattern in (_ELEMENT, _NAMED_ELEMENT, _ELEMENTS):
        yield from introduced_by(text, pattern, names, _content)
    yield from introduced_by(text, _CAPTION, names, _random_content)
    yield from introduced_by(text, _ATTRIBUTES, names, value_at)


def _content(text: str, start: int) -> Value | None:
    """What an element holds. In prose nothing closes it: ``api_key = <API-KEY>").``"""
    end = "]]>" if text.endswith("<![CDATA[", 0, start) else "<"
    given = until(text, start, end)
    is_closed = given is not None and text.startswith(end, given.end)
    return given if is_closed or text[start : start + 1].isalnum() else None


def _random_content(text: str, start: int) -> Value | None:
    """What an element holds, if it is one word of no language."""
    given = _content(text, start)
    word = given.bare.strip() if given is not None else ""
    return Value(start + len(word), word) if word and " " not in word and looks_random(word, quoted=False) else None
