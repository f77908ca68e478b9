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
# What asks for a password says for whom or for what.
_PROMPT = re.compile(
    r"""\b (?: password | passphrase ) [ ]for[ ] (?: (?:user|key)[ ] )?+ (?! (?:user|account|login|tenant|customer|email) : ) [^\s:]{1,200} : [ ]++
        (?P<secret> [^\s"'<>(),;]{3,300} )""",
    re.VERBOSE | re.IGNORECASE,
)
# Codes are short, and of digits alone.
_CODE = re.compile(
    r"""(?: \b(?:otp | totp | passcode | (?:one[ -]time | verification | confirmation | security | access | login | reset | 2fa | sms | activation)[ -]
         (?:code|password|passcode|pin) | pin(?:[ ]code)?) ) (?: [ ] (?:is|was|code|sent|entered|given|used))?+ [ ]?+ :? [ ]*+ ["']?+ (?P<secret>\d{4,10})\b""",
    re.VERBOSE | re.IGNORECASE,
)
# Numbers of cards and people are known by their length.
_NUMBER = re.compile(
    r"""\b (?: (?:cvv|cvc)2? (?:[ ](?:is|was|code|given|of))?+ [ ]?+ [:=]?+ [ ]*+ (?P<check>\d{3,4})
         | (?:ssn|social[ ]security(?:[ ](?:number|no\.?))?+) (?:[ ](?:is|was|of|given))?+ [ ]?+ [:=\#]?+ [ ]*+ (?P<person>\d{3}(?P<sign>[ \-]?)\d\d(?P=sign)\d{4}) ) \b""",
    re.VERBOSE | re.IGNORECASE,
)
_NUMBERED = ("cvv", "cvc", "ssn", "social security")
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
    at = 0
    while (found := _INTRODUCED.search(text, at)) is not None:
        group = "quoted" if found["quoted"] else "word"
        word = found[group] if found["quoted"] else found[group].rstrip(".:!?")
        start = at = found.start(group)  # where it is none, it may be another such noun: "private key passphrase: x"
        if is_secret(word) and looks_random(word, quoted=bool(found["quoted"])):
            at = start + len(word)
            yield Finding(start, at, (word,))
    for found in _PROMPT.finditer(text) if " for " in text else ():
        if is_secret(found["secret"]) and looks_random(found["secret"], quoted=True):
            yield Finding(*found.span("secret"), (found["secret"],))
    for found in _CODE.finditer(text):
        yield Finding(*found.span("secret"), (found["secret"],))


def numbers(text: str, lower: str) -> Iterator[Finding]:
    """The number of a person, and the one that checks a card's, after what they are called."""
    for found in _NUMBER.finditer(text) if any(map(lower.__contains__, _NUMBERED)) else ():
        group = "check" if found["check"] else "person"
        yield Finding(*found.span(group), (found[group],))


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
