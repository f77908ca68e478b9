"""The options of a plugin as `jobreporter check` shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from jobreporter._config.plugin_options import Missing, OptionOrigin, describe_options
from jobreporter.options import Options, Secret

from .configs import reporter
from .particular_options import CANARY


def test_every_option_is_described_with_its_origin(tmp_path: Path) -> None:
    """In the order of the class; a secret is masked, at any depth and as a default too."""

    class DescribedOptions(Options):
        token: Secret
        dsn: Secret = Secret(CANARY)
        port: int = 443
        proxy: str | None = None
        region: str = "eu"
        needed: str
        keys: dict[str, Secret] = {}  # noqa: RUF012 - msgspec makes a new one each time
        missing: str = ""
        wrong: int = 1
        made: list[str] = msgspec.field(default_factory=lambda: ["a"])
        spoilt: Any = msgspec.field(default_factory=lambda: 1 // 0)

    (tmp_path / "token").write_text(CANARY)
    described = describe_options(
        DescribedOptions,
        reporter(
            tmp_path,
            token={"file": "token"},
            port=8080,
            proxy={"env": "PROXY"},
            keys={"a": {"env": "KEY"}, "b": CANARY},
            missing={"env": "MISSING"},
            wrong="x",
        ),
        {"PROXY": "p", "KEY": CANARY},
    )
    assert CANARY not in repr(described)
    assert described == [
        OptionOrigin("token", Secret(CANARY), f"file {tmp_path / 'token'}"),
        OptionOrigin("dsn", Secret(CANARY), "default"),
        OptionOrigin("port", 8080, "config"),
        OptionOrigin("proxy", "p", "env PROXY"),
        OptionOrigin("region", "eu", "default"),
        OptionOrigin("needed", Missing("missing"), "nowhere"),
        OptionOrigin("keys", {"a": Secret(CANARY), "b": Secret(CANARY)}, "env KEY"),
        OptionOrigin("missing", Missing("not available"), "env MISSING"),
        OptionOrigin("wrong", Missing("wrong"), "config"),
        OptionOrigin("made", ["a"], "default"),
        OptionOrigin("spoilt", Missing("ZeroDivisionError"), "default"),
    ]
