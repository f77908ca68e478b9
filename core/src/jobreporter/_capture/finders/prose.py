"""Secrets in sentences: ``Invalid API key: x9f8e7d6``, ``password 'hunter22' is too short``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jobreporter._capture.finders.finding import Finding
from jobreporter._capture.finders.values import is_secret

_NOUN = r"""(?: api[ _-]?(?:key|token|secret) | (?:access|secret|private|session|signing|encryption|license|auth|authorization|shared|master|account|storage|client|consumer|deploy|webhook)[ _-]?(?:key|token|secret|code|id|password) | fernet[ ]key
    | (?:auth(?:entication|orization)?|refresh|bearer|id|reset|activation|invite|confirmation|verification|magic)[ _-]?(?:token|code|link[ ]token)
    | tokens? | passwords? | passphrase | passcode | passwd | secrets? | credentials? | otp | pin(?:[ ]code)? | one[ -]time[ -](?:code|password) | recovery[ ]code | connection[ ]string | cookie | jwt | dsn )"""
_INTRODUCED = re.compile(
    rf"""(?<![\w\-"'\]]) {_NOUN} \b
         (?: [ ] (?: is | was | of | provided | given | used | value | with[ ]value | supplied | set[ ]to | sent | found | received | are | id | expired | invalid ) ){{0,3}}
         [ ]?+ :? [ ]*+ (?: b?["'`\u2018\u201c(<\[] (?P<quoted> [^\s"'`\u2019\u201d<>]{{4,300}}?) ["'`\u2019\u201d)>\]]
                          | (?<=[ :]) (?P<word> [A-Za-z0-9+/$] [^\s"'`<>(),;\[\]]{{7,300}}) )""",
    re.VERBOSE | re.IGNORECASE,
)
# Codes are short, and of digits alone.
_CODE = re.compile(
    r"""(?: \b(?:otp | totp | passcode | (?:one[ -]time | verification | confirmation | security | access | login | reset | 2fa | sms | activation)[ -]
         (?:code|password|passcode|pin) | pin(?:[ ]code)?) ) (?: [ ] (?:is|was|code|sent|entered|given|used))?+ [ ]?+ :? [ ]*+ ["']?+ (?P<secret>\d{4,10})\b""",
    re.VERBOSE | re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HARMLESS = re.compile(
    r"""  [\d.,:\-+TZ/]++ | [\w.+\-]++ @ [\w\-]++ \. [\w.\-]++ | (?:https?|[a-z]++)://.*+ | [./~].*+ | v?\d++(?:\.\d++)*+\S{0,8}
        | [A-Za-z_]++[.\-_]?\d{1,3} | (?:[A-Za-z_]++[.:/\-])*+[A-Za-z_]++ | \w++\(\)? | .*+\.(?:py|js|ts|json|toml|ya?ml|txt|ini|cfg|pem|key|crt|sh|go|rs|java|rb|php|env)""",
    re.VERBOSE | re.DOTALL,
)


# What a noun ends in, and what may follow it.
_ENDS = tuple(
    noun + follows
    for noun in "key token tokens password passwords passphrase passcode passwd secret secrets credential credentials otp"
    " pin code jwt dsn cookie string id link".split()
    for follows in " :"
)


def may_be_sentences(lower: str) -> bool:
    """Whether a text in lower case may hold such a sentence: a quick check, with which most texts are done."""
    return " " in lower and any(map(lower.__contains__, _ENDS))


def sentences(text: str) -> Iterator[Finding]:
    """A word that is no word of a language, after a noun for a secret."""
    for found in _INTRODUCED.finditer(text):
        group = "quoted" if found["quoted"] else "word"
        word = found[group] if found["quoted"] else found[group].rstrip(".:!?")
        if is_secret(word) and looks_random(word, quoted=bool(found["quoted"])):
            start = found.start(group)
            yield Finding(start, start + len(word), (word,))
    for found in _CODE.finditer(text):
        yield Finding(*found.span("secret"), (found["secret"],))


def looks_random(word: str, *, quoted: bool) -> bool:
    """Whether a word may be a key or a password: no word of a language, number, address, path or version."""
    if _UUID.fullmatch(word):
        return True
    if _HARMLESS.fullmatch(word):
        return False
    has_digit = any(map(str.isdigit, word))
    has_letter = any(map(str.isalpha, word))
    has_sign = any(not (each.isalnum() or each in "_-.:/") for each in word)
    if quoted:
        return has_letter and (has_digit or has_sign)
    return has_letter and has_digit
