"""Which names say that what they name is secret, and which only look so."""

from __future__ import annotations

import re

import pytest

from jobreporter._capture.secret_names import _ELSEWHERE, SecretNames

from .reports import report

SECRET = """
    password_hash password_confirmation new_password token_value secret_string access_token_secret reset_token user_token
    next-auth.session-token X-Amz-Security-Token X-Amz-Signature AWS_SESSION_TOKEN apiKeySecret db.password
    spring.datasource.password --client-secret private_key_pem ssh_private_key csrfmiddlewaretoken connection_string
    SharedAccessSignature account_key authorization_code code_verifier recovery_codes PHPSESSID connect.sid _authToken
    ansible_ssh_pass DB_PASS LDAP_BIND_PW_SECRET Ocp-Apim-Subscription-Key basicAuth cardNumber CVV2 totp_secret
    /run/secrets/db_password secret/data/api_key
    Datenbankpasswort zugangskennwort gebruikerswachtwoord användarlösenord käyttäjäsalasana yeni_parola adatbazisJelszo
    数据库密码 管理者パスワード 관리자비밀번호 mat_khau MatKhau kata_sandi รหัสผ่าน पासवर्ड client-key-data
""".split()
HARMLESS = """
    page_token pageToken next_page_token NextToken nextToken continuation-token sync_token resume_token token_url tokenUrl
    token_uri secret_arn secretArn secret_name first_token_latency time_to_first_token_latency token_type token_limit
    max_tokens total_tokens prompt_tokens completion_tokens token_count is_secret has_password use_token requires_auth
    password_length password_policy password_changed_at password_reset_url cookie_domain cookie_path cookie_consent
    cookie_samesite auth_backend auth_method authorization_endpoint credentials_file secret_manager secrets_path
    eos_token pad_token mask_token idempotency_token token_expires_in api_key_name signing_key_algorithm card_last_4
    first_pass second_pass by_pass boarding_pass pin_memory passenger compass tokenizer secretary spinner keyboard
    /srv/shop/secrets/report.csv parola_chiave parole_date
    token_bucket token_balance token_symbol credentials_valid cookies_accepted otp_channel code_challenge_method
    code_verifier_method password_last_changed password_expires_on cvv_check cvc_check secrets_engine
""".split()


@pytest.mark.parametrize("name", SECRET)
def test_secret_names(name: str) -> None:
    """Whole words count, however a name is put together, and the last part of a path."""
    assert name in SecretNames()


@pytest.mark.parametrize("name", HARMLESS)
def test_names_that_are_about_a_secret(name: str) -> None:
    """Neither what describes a secret nor another kind of token, pass or pin is one."""
    assert name not in SecretNames()
    assert report(**{name: "value-77-of-it"}).outcome.job.kwargs == {name: "value-77-of-it"}


@pytest.mark.parametrize("more", [(), ("pin123", "4711", "tax number")])
def test_many_names_are_judged_as_one_by_one(more: tuple[str, ...]) -> None:
    """To judge them together is quicker, and no other judgement."""
    numbered = [f"{name}{sign}{number}" for name in SECRET for sign in ("", "_") for number in ("4", "123", "4711")]
    several = [
        *SECRET,
        *HARMLESS,
        *numbered,
        "pin123_x",
        "pin 124",
        "Tax-Numbers",
        "a/4711",
        "x" * 300 + "password",
        "\ud800 token",
    ]
    names = SecretNames(more)
    assert names.among(several) == {name for name in several if name in names}
    assert names.among(HARMLESS) == set()


@pytest.mark.parametrize(
    ("text", "occurs"),
    [
        ("password=x", True),
        ("the apiKey is", True),
        ("X-Auth-Token: x", True),
        ("page_token=x and token_type: y", False),
        ("shopping for pins, designed by passengers", False),
        ("", False),
        ("İ password", True),
    ],
)
def test_names_within_a_text(text: str, occurs: bool) -> None:
    """A text holds a secret name or it doesn't, which decides whether anything looks closer."""
    assert SecretNames().occur_in(text, text.lower()) is occurs


def test_a_name_of_the_config_within_a_text() -> None:
    """Words of the config count, too."""
    names = SecretNames(["iban"])
    assert names.occur_in("customer_iban=x", "customer_iban=x")
    assert report(error="IBAN=DE0012345678", capture={"redact": ["iban"]}).message == "IBAN=[redacted]"


def test_long_names_are_searched_in_linear_time() -> None:
    """A text that is one long name is looked at in pieces."""
    assert not SecretNames().occur_in("pin" * 20_000, "pin" * 20_000)


@pytest.mark.parametrize("phrase", [phrase.strip() for phrase in _ELSEWHERE.split(",")])
def test_words_of_other_languages_within_a_text(phrase: str) -> None:
    """Each is found in a text, written in one or in several words, but for those that Python's words don't reach."""
    name = phrase.replace(" ", "_")
    found = report(**{name: "Quokka-77"}, error="Quokka-77 refused")
    assert found.outcome.job.kwargs == {name: "[redacted]"}
    assert found.message == "[redacted] refused"
    if re.fullmatch(r"\w+", name):
        assert not report(error=f"İ {name}=Numbat-77 user=kim").shows("Numbat-77")
        assert not report(error=f"{{'{name.replace('_', '')}': 'Numbat-77'}}").shows("Numbat-77")
