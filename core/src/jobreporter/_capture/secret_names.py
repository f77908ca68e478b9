"""Which names say that what they name is secret.

A name is split into words at everything but letters and digits, and where camelCase begins a new one. Whole words
count, so that ``api_key``, ``apiKey``, ``X-Api-Key`` and ``APIKey`` are all *api key*, while ``monkey`` holds no *key*
and ``author`` no *auth*. Phrases count written together too: ``apikey``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

# Secret wherever they stand in a name. Not "key", "session" or "tokens", which are mostly something else.
_PHRASES = """
    password, passwords, passwd, pwd, pasword, passwrd, passowrd, passphrase, passcode, secret, secrets, token, credential, credentials, creds,
    authorization, cookie, cookies, jwt, csrf, xsrf, otp, totp, cvv, cvc, cvv2, ssn, social security, dsn,
    connection string, conn str, connection strings, mnemonic phrase, seed phrase,
    api key, access key, private key, secret key, encryption key, signing key, signature key, master key, auth key,
    account key, service key, shared key, session key, ssh key, license key, deploy key, webhook key, functions key,
    subscription key, decryption key, hmac key, app key,
    api keys, access keys, private keys, encryption keys, signing keys, ssh keys,
    api tokens, access tokens, auth tokens, bearer tokens, refresh tokens, session tokens, session id, connect sid,
    credit card, card number, security code, bank account, account number,
    recovery code, recovery codes, backup codes, verification code, authorization code, auth code, code verifier,
    amz signature, goog signature, oauth signature, shared access signature, client assertion, saml response,
    webhook signature, hub signature, stripe signature, slack signature, twilio signature, cred,
    db pass, user pass, admin pass, root pass, login pass, mail pass, smtp pass, imap pass, ftp pass, ssh pass, http pass,
    proxy pass, ldap pass, sql pass, mysql pass, pg pass, redis pass, wifi pass, key pass, store pass, my pass, require pass,
    pw, user pw, root pw, bind pw, admin pw, auth pw, db pw, my pw, new pw, old pw, client key data
"""
# What a password is called elsewhere, where no word of English is the same.
_ELSEWHERE = """
    passwort, passwörter, kennwort, kennwörter, contraseña, contrasena, contraseñas, contrasenya, contrasinal,
    mot de passe, mots de passe, mdp, senha, senhas, palavra passe, parola, wachtwoord, wachtwoorden, wagwoord,
    lösenord, losenord, adgangskode, passord, lykilorð, lykilord, salasana, parool, salasõna,
    salasona, hasło, haslo, heslo, geslo, zaporka, lozinka, jelszó, jelszo, parolă, şifre, sifre, slaptažodis,
    slaptazodis, fjalëkalim, fjalekalim, pasahitza, pasvorto, cyfrinair, mật khẩu, mat khau, kata sandi, kata laluan,
    nenosiri, пароль, пароли, парола, лозинка, құпиясөз, κωδικός πρόσβασης, συνθηματικό, סיסמה, ססמה, كلمة المرور,
    كلمة السر, رمز عبور, گذرواژه, पासवर्ड, รหัสผ่าน, პაროლი, գաղտնաբառ, パスワード, 暗証番号, 密码, 口令, 密碼, 비밀번호, 암호
"""
# Secret where they end a name: "smtp_pass" and "basic_auth", but not "pass_rate" or "auth_backend".
_LAST_WORDS = frozenset(["auth", "pass", "pin"])
# Secret with anything written in front of them, as in PGPASSWORD, JSESSIONID and Datenbankpasswort: no other words end like
# this.
_ENDINGS = tuple(
    """
    password passwd passphrase secret token sessionid sessid passwort kennwort wachtwoord lösenord losenord adgangskode
    passord salasana jelszó jelszo пароль パスワード 暗証番号 密码 口令 密碼 비밀번호 암호
    """.split()
)
# A name that begins like this is about a secret without being one: max_token, is_secret. Or it names another kind of
# token: that of a page, of a language model, of a cancellation.
_ABOUT_FIRST = frozenset(
    """
    max min num total avg mean is has had needs requires require require required use uses using with without no
    allow allows enable enabled disable disabled supports skip show hide
    """.split()
)
_OTHER_TOKENS = frozenset(
    """
    page next prev previous continuation pagination sync resume cursor scroll first last idempotency fencing cancellation
    cancel eos bos pad unk sep cls mask special stop start end prompt completion input output dedup partition
    """.split()
)
# The other passes: "first_pass" of a compiler, "boarding_pass" of a traveller.
_OTHER_PASSES = frozenset("first second third final single multi one two forward backward render boarding by".split())
# A name that ends like this is about a secret: cookie_name, token_url, secret_arn.
_ABOUT_LAST = frozenset(
    """
    accepted age alg algorithm arn attempts audience backend balance banner bucket budget category changed channel
    chiave class column consent cost count counts created dir domain duration enabled encoder encoding endpoint
    endpoints engine env error errors exempt exists expiration expire expired expires expiry factory field fields
    file filename folder format generator handler hasher hint holder host hosts httponly index issuer jar label
    latency len length lengths level lifetime limit limits location locations manager max method middleware min
    missing mode model name names namespace param parameter parser path paths plugin policy port prefix present
    price processor property provider rate ratio ref reference refs region required reset resolver rotation samesite
    schema scheme scope scopes score secure serializer service size standard status stdin storage store strategy
    strength suffix supply symbol table template time timeout timestamp title ttl type types updated uri uris url
    urls usage used valid validation validator validators var variable version versions view views width window
    """.split()
)
# So does one that ends in two words: password_changed_at.
_ABOUT_LAST_TWO = frozenset(
    [
        *["changed at", "updated at", "created at", "expires at", "expires in", "expires on", "issued at"],
        *["last 4", "token ids", "cvv check", "cvv match", "cvv result", "cvc check"],
    ]
)

# Every secret name holds one of these, or of the words for a password elsewhere.
_ROOTS = tuple(
    """
    pass pasw token secret key auth cred pwd cookie jwt csrf xsrf otp cvv cvc ssn dsn pin sess code sign conn card account
    assertion saml phrase social connect pw
    """.split()
)


def _roots_elsewhere() -> list[str]:
    """The longest part of each word for a password, unless another root is in it."""
    roots: list[str] = []
    for phrase in _ELSEWHERE.split(","):
        if not any(map(phrase.__contains__, (*_ROOTS, *roots))):
            roots.append(max(phrase.split(), key=len))
    return roots


_ELSEWHERE_ROOTS = tuple(root for root in _roots_elsewhere() if root.isascii())
# With letters that ASCII doesn't have, which most texts need not be searched for.
_OTHER_ROOTS = tuple(
    spelling
    for root in _roots_elsewhere()
    if not root.isascii()
    for spelling in {root, "".join(filter(str.isalnum, root))}  # as it is read without the signs on its letters
)

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_NAME_AT = re.compile(r"[\w.\-]{1,200}")
_PHRASE_LENGTH = 3
# Longer names are judged by their beginning, and so many judgements are remembered.
_NAME_LENGTH = 200
_REMEMBERED = 4_096
# Names that differ in such a number alone are alike: no phrase of ours holds one.
_LONG_NUMBER = re.compile(r"\d{3,}")
# What a name has besides letters.
_BESIDE_LETTERS = b"0123456789_-."


class SecretNames:
    """The names under which values are secret: by the built-in phrases, and by ``more`` of them, singular or plural."""

    __slots__ = ("_beginnings", "_has_numbers", "_judged", "_more", "_roots")

    def __init__(self, more: Iterable[str] = ()) -> None:
        more = tuple(more)
        phrases = {"".join(words) for phrase in more if (words := _words(phrase))}
        self._more = frozenset(phrases | {f"{phrase}s" for phrase in phrases})
        self._roots = _ROOTS + _ELSEWHERE_ROOTS + tuple({words[0] for phrase in more if (words := _words(phrase))})
        self._has_numbers = any(map(_LONG_NUMBER.search, self._more))
        # Of all phrases: of a name that has none of them as a word, none is a part.
        self._beginnings = _BUILT_IN_BEGINNINGS | _beginnings(self._more)
        self._judged: dict[str, bool] = {}

    def among(self, names: Sequence[str]) -> set[str]:
        """The secret ones of many names. Most hold nothing that a secret name holds, which is seen of all of them at once."""
        together = "\n".join(names).lower()
        letters = together.encode(errors="replace").translate(None, _BESIDE_LETTERS)
        roots = self._roots if together.isascii() else (*self._roots, *_OTHER_ROOTS)
        roots = tuple(root for root in roots if root.encode().translate(None, _BESIDE_LETTERS) in letters)
        suspected = [name for name in names if any(map(name.lower().__contains__, roots))] if roots else []
        alike = suspected if self._has_numbers else [_LONG_NUMBER.sub("000", name) for name in suspected]
        judged = {name: self._judge(_words_of(name)) for name in set(alike)}
        return {name for name, like in zip(suspected, alike, strict=True) if judged[like]}

    def occur_in(self, text: str, lower: str) -> bool:
        """Whether a text, given in lower case too, holds a secret name."""
        if len(lower) != len(text):  # a few letters of Turkish and others become two
            return any(map(lower.__contains__, (*self._roots, *_OTHER_ROOTS)))
        roots = self._roots if text.isascii() else (*self._roots, *_OTHER_ROOTS)
        for root in filter(lower.__contains__, roots):
            at = lower.find(root)
            while at >= 0:
                name = _NAME_AT.match(text, _beginning(text, at))
                if name is not None and name[0] in self:
                    return True
                at = lower.find(root, max(at + len(root), name.end() if name else 0))
        return False

    def __contains__(self, name: str) -> bool:
        judged = self._judged.get(name)
        if judged is None:
            judged = self._judge(_words_of(name))
            if len(self._judged) >= _REMEMBERED:
                self._judged.clear()
            if len(name) <= _NAME_LENGTH:
                self._judged[name] = judged
        return judged

    def _judge(self, words: list[str]) -> bool:
        if self._beginnings.isdisjoint(words) and not any(word[-2:] in _ENDINGS_END for word in words):
            return False
        phrases = set(_phrases(words))
        if not phrases.isdisjoint(self._more):
            return True
        if not words or _is_about_a_secret(words):
            return False
        if any(word.endswith(_ENDINGS) for word in words) or not phrases.isdisjoint(_BUILT_IN):
            return True
        return words[-1] in _LAST_WORDS and not (words[-1] == "pass" and _OTHER_PASSES.intersection(words))


def _is_about_a_secret(words: list[str]) -> bool:
    first, last = words[0], words[-1]
    if first in _ABOUT_FIRST or last in _ABOUT_LAST or " ".join(words[-2:]) in _ABOUT_LAST_TWO:
        return True
    if last in {"id", "ids"}:  # the place of a language model's token in its vocabulary
        return len(words) > 2 and words[-2] == "token" and words[-3] in _OTHER_TOKENS
    return last in {"token", "tokens"} and len(words) > 1 and words[-2] in _OTHER_TOKENS


def _beginning(text: str, at: int) -> int:
    """Where the name begins that this character is part of."""
    first = max(0, at - _NAME_LENGTH)
    while at > first and (text[at - 1].isalnum() or text[at - 1] in "_.-"):
        at -= 1
    return at


def _words_of(name: str) -> list[str]:
    """The words of a name; of a path, the last part is the name."""
    return _words(name[:_NAME_LENGTH].rpartition("/")[2])


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _phrases(words: list[str]) -> Iterator[str]:
    """Every run of words, written together."""
    for start in range(len(words)):
        for end in range(start + 1, start + 1 + _PHRASE_LENGTH):
            yield "".join(words[start:end])


def _beginnings(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(phrase[:end] for phrase in phrases for end in range(1, len(phrase) + 1))


_BUILT_IN = frozenset("".join(_words(phrase)) for phrase in f"{_PHRASES},{_ELSEWHERE}".split(","))
_BUILT_IN_BEGINNINGS = _beginnings(_BUILT_IN | _LAST_WORDS)
_ENDINGS_END = frozenset(ending[-2:] for ending in _ENDINGS)


def is_directory(name: str, value: str) -> bool:
    """Whether a value is the directory that a shell was in: so it calls its variable, and not only passwords."""
    return name in {"PWD", "OLDPWD"} and value.startswith("/")
