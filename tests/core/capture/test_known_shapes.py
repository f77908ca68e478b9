"""Keys and tokens that are known by their shape, whatever they are called. None of these was ever anybody's."""

from __future__ import annotations

import time

import pytest

from jobreporter._capture.finders.shapes import may_have_shapes, shapes

from .reports import report

# In parts, so that nothing that looks for real keys takes these for some.
SHAPES = {
    "amazon": ("AKIA", "0000EXAMPLE0000"[:12] + "ABCD"),
    "amazon, temporary": ("ASIA", "0000EXAMPLE0ABCD"),
    "github": ("ghp_", "0000demo" * 5),
    "github app": ("ghs_", "0000demo" * 5),
    "github, fine-grained": ("github_pat_", "11AAAAAAA0" + "demo0demo0" * 5),
    "gitlab": ("glpat-", "DEMOdemoDEMOdemo0000"),
    "slack": ("xoxb-", "000000000000-000000000000-demoDEMOdemoDEMOdemo"),
    "slack app": ("xapp-", "1-A000DEMO-0000000000000-demodemodemo"),
    "stripe": ("sk_live_", "demo0000DEMO0000"),
    "stripe, restricted": ("rk_test_", "demo0000DEMO0000"),
    "stripe webhook": ("whsec_", "demo0000DEMO0000demo"),
    "openai": ("sk-proj-", "demo0000" * 5),
    "anthropic": ("sk-ant-api03-", "demo0000" * 5),
    "google": ("AIza", "SyDemo0000" + "demo00000" * 3),
    "google oauth": ("ya29.", "a0demo" + "demo0000" * 3),
    "sendgrid": ("SG.", "demo0000demo0000demo00.demodemodemodemodemodemo"),
    "twilio": ("SK", "0123456789abcdef" * 2),
    "mailgun": ("key-", "0123456789abcdef" * 2),
    "npm": ("npm_", "demo0000" * 4 + "demo"),
    "pypi": ("pypi-", "AgEIcHlwaS5vcmc" + "demo0000" * 5),
    "docker": ("dckr_pat_", "demo0000DEMO0000demo0000"),
    "digitalocean": ("dop_v1_", "0123456789abcdef" * 4),
    "vault": ("hvs.", "CAESIDdemo0000demo0000demo"),
    "shopify": ("shpat_", "0123456789abcdef" * 2),
    "databricks": ("dapi", "0123456789abcdef" * 2),
    "hugging face": ("hf_", "demoDEMO" * 4 + "de"),
    "telegram": ("1234567890:AA", "demo-demo_demoDEMOdemoDEMOdemo000"),
    "linear": ("lin_api_", "demo0000" * 5),
    "grafana": ("glsa_", "demo0000" * 5),
    "sentry": ("sntrys_", "demo0000" * 5),
    "age": ("AGE-SECRET-KEY-1", "DEMO0000" * 6),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi", "OiJkZW1vIn0.ZGVtby1zaWduYXR1cmU"),
    "jwe": ("eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0.", ".ZGVtb2RlbW8.ZGVtb2RlbW9kZW1v.ZGVtbw"),
    "paseto": ("v2.local.", "demo0000" * 6),
    "bcrypt": ("$2b$12$", "demoDEMO" * 6 + "demoD"),
    "argon2": ("$argon2id$v=19$m=65536,t=3,p=4$", "ZGVtb3NhbHQ$ZGVtb2hhc2hkZW1vaGFzaA"),
    "crypt": ("$6$rounds=5000$demosalt$", "demoDEMO" * 10),
    "django": ("pbkdf2_sha256$600000$demosalt$", "ZGVtb2RlbW9kZW1vZGVtbw="),
    "ldap": ("{SSHA}", "ZGVtb2RlbW9kZW1vZGVtb2RlbW8="),
}
KEYS = {name: "".join(parts) for name, parts in SHAPES.items()}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("text", ["{}", "no access with {} here", "('x', '{}')", "see https://host/{}/a", "k={},b"])
def test_a_key_of_a_known_shape_is_hidden(key: str, text: str) -> None:
    """In a message and in an argument alone, whatever is around it; and known from there on."""
    found = report(key, [text.format(key)], error=text.format(key), tags={"t": text.format(key)})
    assert not found.shows(key)
    assert not found.shows(key[-12:])


@pytest.mark.parametrize("key", [KEYS["github"], KEYS["bcrypt"]])
def test_the_config_can_switch_that_off(key: str) -> None:
    """With ``known_shapes = false`` only names and known values count."""
    found = report(key, error=f"no access with {key}", capture={"known_shapes": False})
    assert found.message == f"no access with {key}"
    assert found.outcome.job.args == (key,)
    assert not report(key, token=key, capture={"known_shapes": False}).shows(key)


LABELS = ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
BODY = "MIIEpAIBAAKCAQEAdemo0000demo0000demo0000demo0000demo0000demo0000"


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("newline", ["\n", "\\n", "\r\n"])
@pytest.mark.parametrize("part", ["whole", "beginning", "end"])
def test_a_private_key_is_hidden(label: str, newline: str, part: str) -> None:
    """In lines or on one, whole or as far as it is there."""
    lines = [f"-----BEGIN {label}-----", *[BODY] * 5, f"-----END {label}-----"]
    shown = newline.join(lines[:4] if part == "beginning" else lines[3:] if part == "end" else lines)
    found = report(error=shown if part == "end" else f"can't load {shown}")
    assert not found.shows(BODY)
    assert found.message.startswith("[redacted]" if part == "end" else "can't load [redacted]")


@pytest.mark.parametrize(
    "text",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "467b5349f1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6",
        "sha256:9b2d1c0a8f7e6d5c4b3a29181706f5e4d3c2b1a09f8e7d6c5b4a392817060504",
        "pk_live_demo0000DEMO0000demo0000",
        "AKIAish, or AKIA0000 alone",
        "task-1234-5678-9012-sk-one",
        "risk-assessment-of-the-third-quarter",
        "disk-usage-of-node-eu-west-1a-is-high",
        "arn:aws:iam::000000000000:role/shop-deploy-production",
        "gs://shop-reports-eu/2024/05/01/part-00000-of-00100.parquet",
        "com.example.shop.orders.service.OrderServiceImplementation",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANdemo\n-----END CERTIFICATE-----",
        "eyJrZXkiOiJ2YWx1ZSJ9",
    ],
)
def test_what_is_no_key_stays(text: str) -> None:
    """Ids, digests, names and public keys are left alone."""
    assert report(text, error=text).message == text


def test_most_texts_are_done_at_once() -> None:
    """A text without a long run of characters isn't looked at any further."""
    assert not may_have_shapes("a report, in three parts, of last year")
    assert not may_have_shapes("short")
    assert may_have_shapes("x" * 16)


BEGINNINGS = [*[parts[0] for parts in SHAPES.values()], "-----BEGIN RSA PRIVATE KEY-----", "-----END PRIVATE KEY-----"]


@pytest.mark.parametrize("beginning", [*BEGINNINGS, "eyJa.", "a.b-c_", BODY + "\n", "hooks.slack.com/services/a/"])
def test_shapes_are_searched_in_linear_time(beginning: str) -> None:
    """No text, however it repeats itself, takes long: these are the beginnings of everything that is looked for."""
    begin = time.thread_time()
    list(shapes((beginning * 10_000)[:20_000]))
    assert time.thread_time() - begin < 2, "seconds of this thread alone; what is quadratic takes minutes"
