"""Where the results of all programs are kept, each with where and with what it was measured: docs/speed.json."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from _row import Result

FILE = Path(__file__).parents[1] / "docs" / "speed.json"
#: Whose version makes a difference to the figures.
LIBRARIES = (
    *("jobreporter", "jobreporter-history", "msgspec", "pluggy", "celery", "opentelemetry-sdk", "sentry-sdk"),
    *("django", "django-celery-results", "flower", "rq"),
    *("jobreporter-redis", "redis", "opentelemetry-exporter-otlp-proto-grpc", "grpcio"),
)


class Program(msgspec.Struct, kw_only=True):
    """What one program measured. notes: what else it has to tell, a sentence each."""

    machine: str
    versions: dict[str, str]
    results: list[Result]
    notes: list[str] = []


Programs = dict[str, Program]


def load() -> Programs:
    """What was kept last, by program."""
    return msgspec.json.decode(FILE.read_bytes(), type=Programs)


def save(programs: Programs) -> None:
    ordered = dict(sorted(programs.items()))
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(rounded(ordered)), indent=1) + b"\n")


def machine() -> str:
    """In general terms."""
    return (
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}, {os.cpu_count()} cores"
    )


def versions() -> dict[str, str]:
    """Of what is installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pass
    return found


def rounded(value: object) -> object:
    """Plain data in which figures have the digits that mean something."""
    plain = msgspec.to_builtins(value)

    def walk(each: object) -> object:
        if isinstance(each, float):
            return float(f"{each:.4g}")
        if isinstance(each, dict):
            return {key: walk(item) for key, item in each.items()}
        return [walk(item) for item in each] if isinstance(each, list | tuple) else each

    return walk(plain)
