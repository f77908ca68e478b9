"""What jobreporter says of options that are named like secrets: their names stay, their values go."""

from __future__ import annotations

import pytest

from jobreporter._capture.own_words import OwnWords


@pytest.mark.parametrize(
    "text",
    [
        "shop.toml:8, [reporters.x]: option 'token': the environment variable TOKEN is not set",
        "option 'api_key': the file '/run/secrets/key' does not exist; option 'password': the file 'b' is empty",
        "option 'token': expected a secret, found a whole number",
        "key 'secret': unknown key 'evn', expected { env = \"NAME\" }",
        "option 'token' is missing: expected a secret",
    ],
)
def test_a_fault_of_the_config_is_told_in_full(text: str) -> None:
    """It quotes no value, and every word of it is needed."""
    assert OwnWords().text(text) == text


@pytest.mark.parametrize(
    "text", ["option 'token': 's3cr3t-value' is too short", "{'token': 's3cr3t-value'}", "token = s3cr3t-value"]
)
def test_a_value_beside_such_a_name_goes(text: str) -> None:
    """Whoever says it: a plugin's own objection may quote one."""
    assert "s3cr3t" not in OwnWords().text(text)
