"""The options: what is refused, and that the README names them all."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobreporter import ConfigError, Options, Placement, Secret
from jobreporter.testing import CommandLine
from jobreporter_sentry import Monitor, SentryOptions
from jobreporter_sentry import _options as module

from .conftest import MakeDispatcher

README = Path(__file__).parents[3] / "plugins/sentry/README.md"
DSN = "http://public@127.0.0.1:9/1"


def test_in_an_agent_it_needs_a_dsn() -> None:
    """The program's own client is in the workers."""
    agent = Placement(place="agent")
    with pytest.raises(ValueError, match="set dsn, or where = 'worker'"):
        SentryOptions().check_placement(agent)
    assert not SentryOptions(dsn=Secret(DSN)).check_placement(agent)
    assert not SentryOptions().check_placement(Placement())


def test_check_says_so_too(tmp_path: Path) -> None:
    """A dsn that comes out of a variable is one, whether or not it is set here."""
    line = CommandLine(tmp_path)
    stream = f'[stream]\nurl = "sqlite://{tmp_path}/stream.db"\n'
    for table, status in (
        ("", 1),
        ("where = 'worker'\n", 0),
        ("dsn = { env = 'NOT_SET_HERE' }\n", 0),
    ):
        line.config(f"{stream}[reporters.sentry]\n{table}")
        assert ("in an agent it needs a dsn" in line.run("check", "--no-start").stdout) == bool(status)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sample_rate": 1.5}, "expected sample_rate to be from 0.0 to 1.0, found 1.5"),
        ({"sample_rate": 2}, "expected sample_rate to be from 0.0 to 1.0, found 2"),
        ({"send_timeout": 0.0}, "expected send_timeout to be a number of seconds above 0, found 0"),
        ({"send_timeout": float("inf")}, "option 'send_timeout': expected a duration, such as '1h 30m'"),
        ({"send_timeout": "soon"}, "(units ms, s, m, h, d and w; a bare number is seconds)"),
        ({"max_breadcrumbs": -1}, "expected max_breadcrumbs to be at least 0, found -1"),
        ({"max_value_length": 0}, "expected max_value_length to be at least 1, found 0"),
        ({"retried_level": "warn"}, "Did you mean 'warning'?"),
        ({"dns": DSN}, "Did you mean 'dsn'?"),
        (
            {"monitors": {"a": {"slug": "Not A Slug"}}},
            "expected slug to be 1 to 50 of a-z, 0-9, _ and -, and not digits alone, found 'Not A Slug'",
        ),
        ({"monitors": {"a": {"slug": "123"}}}, "and not digits alone"),
        (
            {"monitors": {"a": {"slug": "a", "schedule": "daily"}}},
            "expected schedule to be a crontab of five fields, such as '5 3 * * *', found 'daily'",
        ),
        (
            {"monitors": {"a": {"slug": "a", "schedule": {"value": 0, "unit": "day"}}}},
            "expected value to be at least 1",
        ),
        ({"monitors": {"a": {"slug": "a", "max_runtime": 5}}}, "max_runtime needs a schedule"),
        (
            {"monitors": {"a": {"slug": "a", "schedule": "@daily", "max_runtime": 0}}},
            "expected max_runtime to be at least 1",
        ),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(
    make_dispatcher: MakeDispatcher, options: dict[str, Any], said: str
) -> None:
    """Each fault names the option and what was expected."""
    with pytest.raises(ConfigError) as caught:
        make_dispatcher(**({"dsn": DSN} | options))
    assert said in str(caught.value)


@pytest.mark.parametrize("name", [*module.OWN])
def test_options_of_a_client_of_its_own_need_a_dsn(make_dispatcher: MakeDispatcher, name: str) -> None:
    """Without a dsn they would do nothing, and nobody would be told."""
    values = {"sample_rate": 0.5, "max_value_length": 100, "send_client_reports": False, "keep_alive": True}
    with pytest.raises(ConfigError, match=f"{name} needs a dsn"):
        make_dispatcher(**{name: values.get(name, "http://10.0.0.1")})


def comments(options: type[Options]) -> dict[str, str]:
    """What stands above each field of an options class."""
    tree = ast.parse(inspect.getsource(module))
    [body] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == options.__name__]
    lines = inspect.getsource(module).splitlines()
    fields = [node for node in body.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    return {ast.unparse(field.target): lines[field.lineno - 2].strip().removeprefix("#: ") for field in fields}


def table(options: type[Options]) -> str:
    """The options as README.md shows them."""
    said = comments(options)
    rows = ["| option | default | means |", "| --- | --- | --- |"]
    for field in msgspec.structs.fields(options):
        required = field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
        default = field.default_factory() if field.default is msgspec.NODEFAULT and not required else field.default
        shown = "must be set" if required else "" if default is None else f"`{toml(default)}`"
        rows.append(f"| `{field.name}` | {shown} | {said[field.name]} |")
    return "\n".join(rows)


def toml(value: object) -> str:
    """A default as a config file would say it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value).replace("()", "[]")


@pytest.mark.parametrize("options", [SentryOptions, Monitor])
def test_readme_has_every_option(options: type[Options]) -> None:
    """The tables of README.md are those that the classes make."""
    assert table(options) in README.read_text()


def test_stars_mark_the_options_of_a_client_of_its_own() -> None:
    """What the README says to need a dsn is what needs one, with the default that it has."""
    starred = {name for name, comment in comments(SentryOptions).items() if comment.endswith(" *")}
    assert starred == module.OWN.keys()
    assert {name: getattr(SentryOptions(), name) for name in module.OWN} == module.OWN


def test_config_in_the_readme_is_right(make_dispatcher: MakeDispatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example of a config in README.md is one that works."""
    import tomllib

    monkeypatch.setenv("SENTRY_DSN", DSN)
    examples = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    assert examples
    for example in examples:
        config = tomllib.loads(example)
        make_dispatcher(config.get("context"), **config["reporters"]["sentry"])
