"""What counts as secret: by its name, by what the text around it says, and because it was secret elsewhere."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobreporter._capture.bounds import NARROW
from jobreporter._capture.eraser import Eraser
from jobreporter._capture.held import LONGEST
from jobreporter._capture.redaction import Redaction, may_need_redaction
from jobreporter._capture.secret_names import SecretNames
from jobreporter._capture.secrets import REDACTED, Secrets
from jobreporter._capture.walk import Walk
from jobreporter._foreign.bounded_text import cut, split_mark

SECRET_NAMES = """
    password passwd pwd passwords PASSWORD DB_PASSWORD db-password new_password1 passWord PGPASSWORD dbpassword
    secret client_secret clientSecret AWS_SECRET_ACCESS_KEY secretKey secrets clientsecret
    token access_token accessToken OAuth2Token authtoken refresh_tokens csrfmiddlewaretoken X-CSRFToken jwt
    api_key apiKey APIKey X-Api-Key apikey stripeAPIKey api.key private_key signing_key encryption-key accessKeyId
    authorization Authorization Proxy-Authorization cookie Set-Cookie session_id JSESSIONID credentials creds
    credit_card creditCard card_number cvv ssn userSSN dsn SENTRY_DSN passphrase otp
    auth basic_auth smtp_pass pass pin *tokens_secret
""".split()
HARMLESS_NAMES = """
    monkey author authority max_tokens token_count keyboard sort_key primary_key cache_key public_key passenger compass
    key keys tokens tokenizer session db_session pass_rate auth_backend cookie_name password_length token_type
    secretary spinner pinned passive bypass idempotency_key max_token id name order_id customer
""".split()


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secret_looking_names(name: str) -> None:
    """Whole words count, however a name is put together."""
    assert name in SecretNames()


@pytest.mark.parametrize("name", [*HARMLESS_NAMES, "", "__", "123", "\ud800"])
def test_harmless_names(name: str) -> None:
    """A part of a word is no word, and a name about a secret is no secret."""
    assert name not in SecretNames()


def test_words_of_the_config_count_too() -> None:
    """Words and phrases of the config mark names as secret, singular or plural, in any spelling."""
    names = SecretNames(["iban", "Tax-Number", "--"])
    assert all(name in names for name in ("iban", "customerIBAN", "ibans", "tax_number", "taxNumber", "iban_count"))
    assert not any(name in names for name in ("urban", "tax", "number", ""))
    assert "password" in names
    assert "iban" not in SecretNames()


def test_judgements_are_remembered_within_bounds() -> None:
    """However many names come, the memory of them is bounded, and long names are not remembered at all."""
    names = SecretNames()
    assert not any(f"name_{number}" in names for number in range(10_000))
    assert "password_" + "x" * 1_000_000 in names
    assert len(names._judged) < 5_000
    assert max(map(len, names._judged)) <= 200


KEPT = Redaction(["iban"])


def scrubbed(text: str) -> tuple[str, tuple[str, ...]]:
    secrets = Secrets()
    return KEPT.text(text, secrets), secrets.found()


@pytest.mark.parametrize(
    ("text", "kept", "found"),
    [
        ("postgres://u:p4ss@host/db", "postgres://[redacted]@host/db", ["p4ss"]),
        ("https://abc123@o1.ingest.example/42", "https://[redacted]@o1.ingest.example/42", ["abc123"]),
        ("postgres://u:p@ss@host/x", "postgres://[redacted]@host/x", ["p@ss"]),
        ("redis://:abc/def@host:1/0 is down", "redis://[redacted]@host:1/0 is down", ["abc/def"]),
        ("amqp://u:pas1@h1,amqp://u:pas2@h2", "amqp://[redacted]@h1,amqp://[redacted]@h2", ["pas1", "pas2"]),
        ("GET https://x/?token=abcd&x=1 failed", "GET https://x/?token=[redacted]&x=1 failed", ["abcd"]),
        ("(https://x/?x=1&sig=abcd)", "(https://x/?x=1&sig=[redacted])", ["abcd"]),
        ("host=db password=hunter2 user=x", "host=db password=[redacted] user=x", ["hunter2"]),
        ("{'password': 'hun\\'ter', 'a': 1}", "{'password': [redacted], 'a': 1}", ["hun\\'ter"]),
        ('{"token": "ab cd", "b": 2}', '{"token": [redacted], "b": 2}', ["ab cd"]),
        (r'"{\"token\": \"ab cd\", \"b\": 2}"', r'"{\"token\": [redacted], \"b\": 2}"', ["ab cd"]),
        ("User(name='x', password='hunter 2', z=1)", "User(name='x', password=[redacted], z=1)", ["hunter 2"]),
        ("{b'token': b'abcd'}", "{b'token': [redacted]}", ["abcd"]),
        ("token=<Token abcd>", "token=[redacted]", ["<Token abcd>"]),
        ("token=Token(value='x y'), b=1)", "token=[redacted], b=1)", ["Token(value='x y')"]),
        ("token=Token(value='x y', b=1", "token=[redacted]", ["Token(value='x y', b=1"]),
        ("password='never closed", "password=[redacted]", ["never closed"]),
        ("cfg['password'] = 'abcd' x", "cfg['password'] = [redacted] x", ["abcd"]),
        ("authorization=Bearer abcdefg xx", "authorization=[redacted] xx", ["abcdefg"]),
        ("Authorization: Basic abcdefg=\nnext", "Authorization: [redacted]\nnext", []),
        ("Cookie: a=b; c=d", "Cookie: [redacted]", ["a=b; c=d"]),
        ("x-api-key: 123456", "x-api-key: [redacted]", ["123456"]),
        ("curl --api-key abcd --token=wxyz -v", "curl --api-key [redacted] --token=[redacted] -v", ["wxyz", "abcd"]),
        ("['mysql', '--password', 'hunter2', 'x']", "['mysql', '--password', [redacted], 'x']", ["hunter2"]),
        ("sent Bearer eyJhbGciOi.x.y too", "sent Bearer [redacted] too", ["eyJhbGciOi.x.y"]),
        ("iban=DE1234", "iban=[redacted]", ["DE1234"]),
    ],
)
def test_secrets_that_a_text_introduces(text: str, kept: str, found: list[str]) -> None:
    """What a text itself calls secret is replaced, and remembered."""
    assert may_need_redaction(text)
    result, secrets = scrubbed(text)
    assert result == kept
    assert set(found) <= set(secrets)


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "unexpected token: x",
        "http://host:8080/a@b",
        "see https://x.example/@me and mail@x.example",
        "https://host/path?page=1&size=20",
        "primary key=5 and key=7",
        "token == x",
        "std::token::x",
        "password= \nnext line",
        "auth-token-service: down",
        "Bearer of news",
        "2024-01-01T12:30:00",
        "a -- b",
        "password=[redacted], and so on",
    ],
)
def test_text_without_secrets_stays_the_same_object(text: str) -> None:
    """Prose, times, addresses and paths are left alone."""
    assert scrubbed(text) == (text, ())
    assert KEPT.text(text, Secrets()) is text


@pytest.mark.parametrize("end", ["user:passw", ":pass/wo", "abcdef"])
def test_a_url_that_was_cut_within_its_userinfo(end: str) -> None:
    """The beginning of a URL's userinfo goes as well when its end was cut off."""
    text = cut(f"postgres://{end}ord@host/db", len(f"postgres://{end}"))
    assert scrubbed(text)[0].startswith(f"postgres://{REDACTED}... (")


def test_the_result_needs_no_further_redaction() -> None:
    """Redacting twice is redacting once."""
    once, _ = scrubbed("password=abcd, token='x', https://u:p4ss@h/?sig=1 --api-key k Authorization: Bearer x")
    assert scrubbed(once)[0] == once


PIECES = [
    "a:",
    "a=b,",
    "://a:b",
    "://",
    "password='",
    'token=\\"',
    "\\",
    "token=",
    "--token ",
    "X-a",
    "X-",
    "a ",
    "token= ",
]
PIECES += [
    "x-",
    "token=((",
    "\\x'",
    "token=\\'\\\\",
    "Bearer ",
    "b/",
    "cookie",
    "9",
    "-",
    "'",
    '"',
    " ",
    "=",
    "@",
    "=>",
    "]",
]


@pytest.mark.parametrize("piece", PIECES)
def test_redaction_takes_linear_time(piece: str) -> None:
    """No text, however it repeats itself, takes long: these are the beginnings of everything that is looked for."""
    begin = time.thread_time()
    scrubbed((piece * LONGEST)[:LONGEST] + "=:")
    scrubbed("://a:" + (piece * LONGEST)[:LONGEST])
    assert time.thread_time() - begin < 5, "seconds of this thread alone; what is quadratic takes minutes"


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=20).map("".join))
def test_any_text_can_be_redacted(text: str) -> None:
    """Redaction takes any text, and what it finds is gone from it or too short to matter."""
    scrubbed(text)


class TestSecrets:
    """The values that were redacted, for finding them elsewhere."""

    def test_nested_values_are_gathered(self) -> None:
        """Strings, bytes and numbers within builtin containers are secrets; the shortest and everyday words are not."""
        secrets = Secrets()
        secrets.add({"a": ["first", {"b": (b"second", bytearray(b"third"))}], "c": {12345}, "d": 12, "e": "abc"})
        secrets.add(["None", "TRUE", True, None, 12.5, float("inf"), object(), 1 << 2_000, REDACTED])
        assert set(secrets.found()) == {"first", "second", "third", "12345", "abc", "12.5"}

    def test_they_are_bounded(self) -> None:
        """Neither their number nor their length nor their depth has to be trusted."""
        secrets = Secrets()
        own: list[object] = [f"secret-{number}" for number in range(2_000)]
        own.append(own)
        secrets.add([own, own])
        secrets.add("x" * 1_000_000)
        assert len(secrets.found()) == 1_000
        longest = Secrets()
        longest.add("x" * 1_000_000)
        assert longest.found() == ("x" * LONGEST,)

    def test_a_header_and_a_url_hold_the_secret_itself(self) -> None:
        """Of a value with a secret name, what it contains as a secret is remembered apart."""
        secrets = Secrets()
        assert KEPT.conceal("authorization", "Bearer abcdef", secrets) == REDACTED
        assert KEPT.conceal("dsn", "postgres://u:p4ss@host/db", secrets) == REDACTED
        assert {"abcdef", "Bearer abcdef", "p4ss", "postgres://u:p4ss@host/db"} == set(secrets.found())


class TestEraser:
    """Replacing what is known to be secret."""

    def test_secrets_go_from_nested_data(self) -> None:
        """Keys, values and items lose them, and the rest stays."""
        data = {"hunter2": ["a hunter2", ("x", 5, None)], "b": {"c": "hunter2hunter2"}}
        kept = {REDACTED: [f"a {REDACTED}", ("x", 5, None)], "b": {"c": REDACTED * 2}}
        assert Eraser(["hunter2"]).data(data) == kept
        assert Eraser([]).data(data) is data
        assert Eraser([]).text("hunter2") == "hunter2"

    @pytest.mark.parametrize("secret", ["pa'ss\\word\n", "naïve-sécret", "a\"b'c"])
    def test_secrets_are_found_as_repr_writes_them(self, secret: str) -> None:
        """A secret with quotes, line ends or other letters is found in the repr of what holds it."""
        eraser = Eraser([secret])
        assert eraser.text(f"x {secret} y") == f"x {REDACTED} y"
        assert eraser.text(f"x {secret!r} y") in (f"x '{REDACTED}' y", f'x "{REDACTED}" y')
        assert eraser.text(f"x {secret!a} y") in (f"x '{REDACTED}' y", f'x "{REDACTED}" y')

    def test_a_secret_within_a_longer_one(self) -> None:
        """The longest goes first, whatever the order."""
        assert Eraser(["hunter", "hunter2"]).text("hunter2, hunter") == f"{REDACTED}, {REDACTED}"

    def test_what_replaces_a_secret_is_no_secret(self) -> None:
        """A secret that occurs in the word for secrets neither grows the text nor takes it apart."""
        text = "reda [reda dact redacted]" * 10
        assert len(Eraser(["reda", "dact", "redacted", "acte", "[red"]).text(text)) < 10 * len(text)
        assert Eraser(["hunter2", "redacted"]).text("hunter2") == REDACTED

    def test_the_beginning_of_one_that_was_cut_goes_too(self) -> None:
        """Where a text was cut within a secret, the rest of it goes."""
        eraser = Eraser(["abcdefgh", "abab-abac"])
        assert eraser.text(cut("say abcdefgh", 10)) == f"say {REDACTED}... (12 characters)"
        assert eraser.text(cut("say abcdefgh", 6)) == "say ab... (12 characters)"
        assert eraser.text(cut("abab-abac", 6)) == f"{REDACTED}... (9 characters)"
        assert eraser.text(cut("say abcxefgh abab", 12)) == "say abcxefgh... (17 characters)"
        assert eraser.text("say abcdef") == "say abcdef"

    @given(st.text(min_size=12, max_size=30), st.text(max_size=50), st.text(max_size=50), st.integers(1, 120))
    def test_a_secret_is_nowhere_in_what_is_kept(self, secret: str, before: str, after: str, limit: int) -> None:
        """Wherever a text is cut, no more than three characters of a secret are left."""
        assume(not secret.isdecimal())
        kept, mark = split_mark(Eraser([secret]).text(cut(before + secret + after, limit)))
        kept = kept.replace(REDACTED, "\0")
        assert secret not in kept
        assert not mark or not any(kept.endswith(secret[:length]) for length in range(4, len(secret)))


names = st.sampled_from(["password", "api_key", "Authorization", "credit-card", "userSSN", "x_secret"])
CANARY = "canary-5f2e"
canaries = st.sampled_from([CANARY, f"Bearer {CANARY}", CANARY.encode(), [CANARY], {"a": CANARY}, (1, CANARY)])
harmless = st.text(max_size=5) | st.integers() | st.sampled_from([f"https://u:{CANARY}@h/x", f"?token={CANARY}&b=1"])
secretive = st.recursive(
    harmless | st.dictionaries(names, canaries, min_size=1) | st.tuples(names, canaries),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner) | st.tuples(inner, inner),
)


@given(secretive)
def test_no_canary_gets_through(value: object) -> None:
    """A secret under a secret name, in a pair or in a URL, at any depth, is in nothing that is kept."""
    walk = Walk(NARROW, KEPT)
    kept = walk.value(value)
    assert CANARY not in repr(kept)
    assert CANARY not in repr(Eraser(walk.secrets.found()).data(repr(value)))
