"""A user and a password side by side, as files of credentials, addresses without a scheme, and calls in source have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jobreporter._capture.finders.finding import Finding
from jobreporter._capture.finders.values import is_secret

_LITERAL = r"""[bruBRU]?["'](?P<secret>[^"'\n\\]{3,300})["']"""
# An argument in front of it, also with its name.
_ARGUMENT = r"""(?:[^(),\n]{0,200},\s?)"""

# .pgpass: host:port:database:user:password. Of numbers and words alone, such a row may be anything.
_PGPASS = re.compile(
    r"""(?<![^\s"'`(=]) (?: [\w.\-]{1,200} | \* ) : (?:\d{4,5}|\*) : [^\s:"'\d][^\s:"']{0,100} : [^\s:"']{1,100}
        : (?= [^\s:"'),;]{0,200}? [^A-Za-z\s:"'),;]) (?P<secret> (?=\S{0,200}?[A-Za-z]) (?: [^\s:"'\\] | \\. ){3,200} ) (?![^\s"'`),;.])""",
    re.VERBOSE,
)
_PORT = re.compile(r":(?:\d{4,5}|\*):")
_NETRC = re.compile(
    r"\b(?:machine[ ]\S{1,200}|default)\s(?:\s{0,20}(?:login|account)[ ]\S{1,100}\s){0,2}\s{0,20}password[ ](?P<secret>\S{3,200})"
)
# user:password@host of rsync, of MySQL's driver in Go, and of what lost its scheme.
_ADDRESS = re.compile(
    r"""(?<![\w.@/:\-+%]) (?! (?i:mailto|sips?|xmpp|acct|user|username|e?mail|to|from|cc|by|author|login|pkg|tel|key|id) : ) [\w.\-+]{1,60}
        : (?P<secret> [^\s:@/"'<>]{3,128} ) @ (?: [\w.\-]{1,200} (?: :: | :\d{2,5}(?!\d) | :[/~] ) | (?:tcp|tcp6|unix|udp)\( )""",
    re.VERBOSE,
)
_CHPASSWD = re.compile(
    r"""(?<![\w.\-]) [\w.\-]{1,64} : (?P<secret> [^\s:"'|]{3,200} ) (?:\\n)? ["']? [ ]* \| [ ]* (?: sudo[ ] (?:-\w[ ])* )? chpasswd""",
    re.VERBOSE,
)
# Calls with a user and a password: login("kim", "x").
_LOGIN = re.compile(
    rf"""\b(?: login | authenticate | auth_password | simple_bind(?:_s)? | username_pw_set | (?:HTTP)?(?:Basic|Digest|Proxy)Auth
             | Plain(?:Text)?(?:Credentials|AuthProvider) | UserPass\w{{0,20}} )
         \( \s? [bruBRU]?["'][^"'\n\\]{{1,200}}["'] ,\s* {_LITERAL}""",
    re.VERBOSE,
)
# Calls with a host in front of them.
_CONNECT = re.compile(
    rf"""\b(?: connect \( \s? [bru]?["'][^"'\n\\]{{1,200}}["'] ,\s* \d{{1,5}} ,\s* | (?:MySQLdb|pymysql|mariadb|psycopg2?)\.[cC]onnect \( \s? [bru]?["'][^"'\n\\]{{1,200}}["'] ,\s* )
         [bru]?["'][^"'\n\\]{{1,200}}["'] ,\s* {_LITERAL}""",
    re.VERBOSE,
)
# The part of a URL that names the host, by itself: SplitResult(scheme='https', netloc='kim:x@host').
_NETLOC = re.compile(r"""\bnetloc=b?["'][^\s:@"']{0,200}:(?P<secret>[^\s"']{1,256})@""")
# A key that has a name: AzureNamedKey(name='shop', key='x').
_NAMED_KEY = re.compile(rf"""(?:Credentials?|NamedKey) \( {_ARGUMENT}{{0,3}} \s? key= {_LITERAL}""", re.VERBOSE)
# Calls where the last text is a password, or the only one: set_password("service", "kim", "x").
_TAKEN = re.compile(
    rf"""(?<!def[ ]) (?: \b(?:set|check|make|verify|change|hash|validate|add)_?(?i:password) | \bSecret(?:Str|Bytes) | KeyCredential | \bFernet )
         \( {_ARGUMENT}{{0,3}} \s? (?:\w{{1,40}}=)? {_LITERAL} (?= \s?\) | ,\s?[A-Za-z_] )""",
    re.VERBOSE,
)
# Each with the words of which such a text holds one.
_BESIDE: Final = (
    (("@",), _ADDRESS),
    (("password ",), _NETRC),
    (("chpasswd",), _CHPASSWD),
)
_BESIDE_AND_IN_CALLS: Final = (
    *_BESIDE,
    (("login(", "authenticate(", "auth_password(", "_bind", "pw_set(", "Auth(", "Plain", "UserPass"), _LOGIN),
    (("onnect(",), _CONNECT),
    (("netloc=",), _NETLOC),
    (("key='", 'key="'), _NAMED_KEY),
    (("assword(", "Secret", "KeyCredential(", "Fernet("), _TAKEN),
)


def credentials(text: str) -> Iterator[Finding]:
    """What stands beside a user, or in a call that takes nothing but a password."""
    for words, pattern in _BESIDE_AND_IN_CALLS if "(" in text else _BESIDE:
        if any(map(text.__contains__, words)):
            yield from _found(pattern, text)
    if _PORT.search(text) is not None:
        yield from _found(_PGPASS, text)


def _found(pattern: re.Pattern[str], text: str) -> Iterator[Finding]:
    for found in pattern.finditer(text):
        if is_secret(found["secret"]):
            yield Finding(*found.span("secret"), (found["secret"],))
