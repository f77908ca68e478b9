"""Which names say that what they name is secret.

A name is split into words at everything but letters and digits, and where camelCase begins a new one. Whole words
count, so that ``api_key``, ``apiKey``, ``X-Api-Key`` and ``APIKey`` are all *api key*, while ``monkey`` holds no *key*
and ``author`` no *auth*. Phrases count written together too: ``apikey``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Secret wherever they stand in a name. Not "key", "session" or "tokens", which are mostly something else.
_PHRASES = """
    password, passwords, passwd, pwd, passphrase, passcode, secret, secrets, token, credential, credentials, creds,
    authorization, cookie, cookies, jwt, csrf, xsrf, otp, totp, cvv, cvc, ssn, social security, dsn, connection string,
    api key, access key, private key, secret key, encryption key, signing key, signature key, master key, auth key,
    account key, service key, shared key, session key, ssh key, license key, deploy key, webhook key,
    api keys, access keys, private keys, encryption keys, signing keys, ssh keys,
    api tokens, access tokens, auth tokens, bearer tokens, refresh tokens, session tokens, session id, connect sid,
    credit card, card number, security code, bank account, account number,
    recovery code, recovery codes, backup codes, verification code, amz signature
"""
# Secret where they end a name: "smtp_pass" and "basic_auth", but not "pass_rate" or "auth_backend".
_LAST_WORDS = frozenset(["auth", "pass", "pin"])
# Secret with anything written in front of them, as in PGPASSWORD and JSESSIONID: no other words end like this.
_ENDINGS = ("password", "passwd", "passphrase", "secret", "token", "sessionid", "sessid")
# A name that begins or ends like this is about a secret without being one: max_token, cookie_name.
_ABOUT_FIRST = frozenset(["max", "min", "num", "total"])
_ABOUT_LAST = frozenset(
    ["age", "budget", "count", "counts", "expires", "expiry", "len", "length", "limit", "name", "policy", "size", "ttl"]
) | {"type", "types", "usage", "version"}

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_PHRASE_LENGTH = 3
# Longer names are judged by their beginning, and so many judgements are remembered.
_NAME_LENGTH = 200
_REMEMBERED = 4_096


class SecretNames:
    """The names under which values are secret: by the built-in phrases, and by ``more`` of them, singular or plural."""

    __slots__ = ("_judged", "_more")

    def __init__(self, more: Iterable[str] = ()) -> None:
        phrases = {"".join(words) for phrase in more if (words := _words(phrase))}
        self._more = frozenset(phrases | {f"{phrase}s" for phrase in phrases})
        self._judged: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        judged = self._judged.get(name)
        if judged is None:
            judged = self._judge(_words(name[:_NAME_LENGTH]))
            if len(self._judged) >= _REMEMBERED:
                self._judged.clear()
            if len(name) <= _NAME_LENGTH:
                self._judged[name] = judged
        return judged

    def _judge(self, words: list[str]) -> bool:
        phrases = set(_phrases(words))
        if not phrases.isdisjoint(self._more):
            return True
        if not words or words[0] in _ABOUT_FIRST or words[-1] in _ABOUT_LAST:
            return False
        if words[-1] in _LAST_WORDS or any(word.endswith(_ENDINGS) for word in words):
            return True
        return not phrases.isdisjoint(_BUILT_IN)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _phrases(words: list[str]) -> Iterator[str]:
    """Every run of words, written together."""
    for start in range(len(words)):
        for end in range(start + 1, start + 1 + _PHRASE_LENGTH):
            yield "".join(words[start:end])


_BUILT_IN = frozenset("".join(_words(phrase)) for phrase in _PHRASES.split(","))
