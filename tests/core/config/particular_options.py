"""Plugins' options for these tests, and what is said of them."""

from __future__ import annotations

import enum
import traceback
import types
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from jobreporter._config.plugin_options import check_options, resolve_options
from jobreporter.errors import BrokenReporter, ConfigError
from jobreporter.options import Options, Secret

from .configs import reporter

CANARY = "canary-5Z9q"
WHERE = "jobreporter.toml, [reporters.x]"


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


class Retry(msgspec.Struct):
    times: int
    delay: float = 1.0
    token: Secret | None = None


class TokenOptions(Options):
    token: Secret
    severity: Literal["error", "warning"] = "error"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 443
    rate: float = 1.0
    verify: bool = True
    level: Level = Level.LOW
    proxy: str | None = None
    tags: list[str] = []  # noqa: RUF012 - msgspec makes a new one each time
    headers: dict[str, Secret] = {}  # noqa: RUF012 - as above
    retry: Retry | None = None


def faults_of(options_type: type[Options] | None, /, **options: Any) -> list[str]:
    """What is wrong in the file; `resolve_options` says the same."""
    config = reporter(**options)
    faults = check_options(options_type, config, environ={})
    if faults:
        with pytest.raises(ConfigError) as caught:
            resolve_options(options_type, config, environ={})
        assert list(caught.value.faults) == faults
    assert all(fault.where == WHERE for fault in faults)
    return [fault.problem for fault in faults]


def one_option(declared: Any) -> type[Options]:
    """A class of options whose only field ``it`` is declared so."""
    body = {"__annotations__": {"it": declared}, "it": None}
    return types.new_class("OneOptions", (Options,), exec_body=lambda namespace: namespace.update(body))


def everything_said_by(error: BaseException) -> str:
    """All that a log or a tracker could show of an error but for the values of local variables."""
    return "".join([repr(error), repr(error.args), str(error), *traceback.format_exception(error)])


def broken(options_type: type[Options], folder: Path, environ: dict[str, str], /, **options: Any) -> str:
    """Why a reporter is broken whose file is right; the canary is in no part of the error."""
    config = reporter(folder, **options)
    assert check_options(options_type, config, environ=environ) == []
    with pytest.raises(BrokenReporter) as caught:
        resolve_options(options_type, config, environ=environ)
    assert CANARY not in everything_said_by(caught.value)
    assert caught.value.__context__ is None
    return str(caught.value)
