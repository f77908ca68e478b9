"""Where a value ends that a name introduces, and what of it is the secret itself."""

from __future__ import annotations

import re
from typing import NamedTuple

from jobreporter._capture.common_words import NO_VALUE
from jobreporter._capture.secrets import REDACTED

_SCHEME = r"(?: Bearer | Basic | Digest | Negotiate | Token | ApiKey | NTLM ) [ ]++"
_PREFIXED = re.compile(_SCHEME, re.VERBOSE | re.IGNORECASE)
# In quotes, also the three of Python and TOML, and the escaped ones of JSON within JSON, which end behind as many
# backslashes as they begin with.
_QUOTED = re.compile(
    r"""  (?P<slashes> \\{1,3}) (?P<quote> ["']) (?P<escaped> (?: (?! (?<!\\)(?P=slashes)(?P=quote)) . )*+ ) (?: (?P=slashes) . )?
        | [bBrRuUfF]{0,2} (?P<three> \"""|\'\'\' ) (?P<long> (?: (?! (?P=three)) (?: [^\\] | \\. ) )*+ ) (?: (?P=three) )?
        | [bBrRuUfF]{0,2} (?: " (?P<double> (?: [^"\\] | \\. )*+ ) "? | ' (?P<single> (?: [^'\\] | \\. )*+ ) '? )""",
    re.VERBOSE | re.DOTALL,
)
_BARE = re.compile(r"""[^\s,;&"'()\[\]{}<>]*+""")
_ALL_OF_A_LINE = re.compile(r"[^\r\n]*+")
# A block of YAML, whose lines begin as its first one does.
_BLOCK = re.compile(r"(?P<indent>[ \t]++)[^\n]*+(?:\n(?:(?P=indent)[^\n]*+|[ \t]*+(?=\n)))*+")
_PEM = re.compile(r"-----BEGIN[ ][A-Z0-9 ]{1,40}-----")
_PEM_END = re.compile(r"-----END[ ][A-Z0-9 ]{1,40}-----")
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_BRACKET = re.compile(r"""[()\[\]{}<>]|[bru]?"(?:[^"\\]|\\.)*+"|[bru]?'(?:[^'\\]|\\.)*+'""", re.DOTALL)
# `string(7) "hunter2"`, as PHP writes it.
_DUMPED = re.compile(r'string\(\d{1,6}\)[ ]++(?=")')
# What stands in the place of a value: of a template, a statement, a mask.
_PLACEHOLDER = re.compile(
    r"""  [*•x.\-_#]{3,} | \*++ | \.{2,} | \?++ | \$\d{1,3} | :\w{1,40} | %s | %\(\w{1,40}\)s
        | \$\{[^{}]{1,80}\} | \$\w{1,40} | \{\{[^{}]{1,80}\}\} | <(?:(?i:your|my|the|insert)[ ][a-z ]{1,40}|[A-Za-z][A-Za-z_\-]{0,40})> | (?i:your|my|some|example|test)[_\-][A-Za-z_\-]{2,40}
        | (?:[A-Z]{1,20}_){0,3}(?:TOKEN|PASSWORD|SECRET|KEY|VALUE|STRING|TEXT|USER) | \[[A-Za-z]{4,20}\] | %\w{1,40}% """,
    re.VERBOSE,
)
# Words of a sentence, at least.
_SENTENCE = 4


class Value(NamedTuple):
    """A value in a text. end: where it ends. bare: what of it is the secret itself."""

    end: int
    bare: str


def value_at(text: str, start: int) -> Value | None:
    """The value that begins there; ``None`` if there is none, or nothing in it that could be secret."""
    if text.startswith(REDACTED, start):
        return None
    value = _quoted(text, start) or _in_lines(text, start) or _unquoted(text, start)
    return value if value is not None and is_secret(value.bare) else None


def bare(text: str) -> str:
    """A value without its quotes, or the scheme in front of it."""
    found = _QUOTED.fullmatch(text)
    content = _content(found) if found else text
    scheme = _PREFIXED.match(content)
    return content[scheme.end() :] if scheme else content


def is_secret(bare: str) -> bool:
    """Whether a value could be one: no placeholder, nothing that says that there is none, and not just a digit or two."""
    text = bare.strip()
    if len(text) < 3 and not (text.isalnum() and not text.isdecimal()):
        return False
    if text.lower() in NO_VALUE or _PLACEHOLDER.fullmatch(text) or REDACTED in text:
        return False
    return not (" " in text and _is_sentence(text))


def _is_sentence(text: str) -> bool:
    """Whether a text says something, as the errors of a form do."""
    text = text.strip("[](){}\"' \n")
    words = text.split()
    if len(words) < _SENTENCE or not text[0].isupper() or text[-1] not in ".!?":
        return False
    return sum(word.strip(".,!?'\"").isalpha() for word in words) > len(words) * 3 // 4


def line_at(text: str, start: int) -> Value | None:
    """The rest of the line as a value."""
    found = _ALL_OF_A_LINE.match(text, start)
    line = found[0].rstrip() if found else ""
    return Value(start + len(line), line) if is_secret(line) else None


def until(text: str, start: int, end: str) -> Value | None:
    """The text up to some character on the same line, or to the end of the line, as a value."""
    line = _ALL_OF_A_LINE.match(text, start)
    found = line[0].partition(end)[0] if line else ""
    return Value(start + len(found), found) if is_secret(found) else None


def _quoted(text: str, start: int) -> Value | None:
    found = _QUOTED.match(text, start)
    if found is None or not found[0]:
        return None
    content = _content(found)
    scheme = _PREFIXED.match(content)
    return Value(found.end(), content[scheme.end() :] if scheme else content)


def _content(found: re.Match[str]) -> str:
    return found["escaped"] or found["long"] or found["double"] or found["single"] or ""


def block_at(text: str, start: int) -> Value | None:
    """The lines of a block as a value."""
    found = _BLOCK.match(text, start)
    given = found[0].strip() if found else ""
    return Value(found.end(), given) if found and is_secret(given) else None


def _in_lines(text: str, start: int) -> Value | None:
    """A key in PEM, which has lines."""
    if not _PEM.match(text, start):
        return None
    end = _PEM_END.search(text, start)
    stop = len(text) if end is None else end.end()
    return Value(stop, text[start:stop])


def _unquoted(text: str, start: int) -> Value | None:
    """Up to the next separator. What a bracket opens lasts until it closes, or until the end of the text."""
    scheme = _PREFIXED.match(text, start)
    if scheme and text.startswith("-", scheme.end()):  # what follows is another option
        return Value(scheme.end(), scheme[0].strip())
    begin = scheme.end() if scheme else start
    dumped = _DUMPED.match(text, begin)
    if dumped is not None:
        return _quoted(text, dumped.end())
    found = _BARE.match(text, begin)
    end = found.end() if found else begin
    if text[end : end + 1] in _CLOSING and text[end : end + 1]:
        end = _closed(text, end)
    if scheme and end == begin:  # "Token" was the value, not the scheme of one
        begin, end = start, scheme.end()
    bare = text[begin:end].rstrip("\\")
    return Value(begin + len(bare), bare.rstrip(".:!") if scheme is None else bare) if bare else None


def _closed(text: str, start: int) -> int:
    """Where the bracket closes that opens there."""
    expected: list[str] = []
    for found in _BRACKET.finditer(text, start):
        character = found[0]
        if character in _CLOSING:
            expected.append(_CLOSING[character])
        elif expected and character == expected[-1]:
            expected.pop()
            if not expected:
                return found.end()
    return len(text)
