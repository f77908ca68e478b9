"""Errors of reporters in words that an operator can do something with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jobreporter import BrokenReporter, ConfigError, Fault, Origin, PluginError
from jobreporter._lane.wording import describe
from jobreporter._plugins.hooks import Implementation, Whence, table
from jobreporter.testing import make_event


def raised_by(function: Callable[[], object]) -> BaseException:
    """What a handler raises when a lane calls it."""
    origin = Origin(service=None, environment=None, release=None, host="host", pid=1, version="1")
    hooks = table([Implementation("handle_failure", function, (), asynchronous=False)], Whence(origin))
    event = make_event("failure")
    try:
        hooks.events[type(event)](event, None)
    except BaseException as error:
        return error
    raise AssertionError("it raised nothing")


def plugin(tmp_path: Path, source: str, name: str = "acme_pager") -> ModuleType:
    """A plugin's module, as if it were imported from a file."""
    path = tmp_path / f"{name}.py"
    path.write_text(source)
    module = ModuleType(name)
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module


def test_the_place_is_the_plugins_own(tmp_path: Path) -> None:
    """Not that in the standard library which the plugin called, nor in a client that is installed."""
    library = plugin(tmp_path, "def get():\n    raise OSError('refused')\n", "client")
    sys.modules["client"] = library
    try:
        acme = plugin(
            tmp_path,
            "import json, client\n"
            "def decode():\n    inner()\n"
            "def inner():\n    json.loads('{')\n"
            "def fetch():\n    client.get()\n",
        )
    finally:
        del sys.modules["client"]
    path = tmp_path / "acme_pager.py"
    assert describe(raised_by(acme.decode)).endswith(f"({path}:5 in inner)")
    assert describe(raised_by(acme.fetch)) == f"OSError: refused ({path}:7 in fetch)"


def test_what_no_hook_has_called_has_the_innermost_place_outside_the_standard_library() -> None:
    """An import that fails, say."""
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")
    told = describe(caught.value)
    assert __file__ in told
    assert "decoder.py" not in told


def test_a_hook_that_can_not_be_called_has_no_place() -> None:
    """The call itself is jobreporter's own."""
    nothing: Any = None
    assert describe(raised_by(nothing)) == "TypeError: 'NoneType' object is not callable"


def test_a_sentence_stands_for_itself() -> None:
    """Nobody needs to know where in jobreporter it was raised."""
    errors: list[tuple[Exception, str]] = [
        (BrokenReporter("the key is refused"), "the key is refused"),
        (
            ConfigError([Fault("a.toml:3, [reporters.x]", "unknown option 'y'")]),
            "a.toml:3, [reporters.x]: unknown option 'y'",
        ),
        (PluginError("x", "it has no hook", distribution="acme-x", version="1.2"), "it has no hook (acme-x 1.2)"),
    ]
    for error, told in errors:

        def raises(error: Exception = error) -> None:
            raise error

        assert describe(raised_by(raises)) == told


class Response:
    """What clients keep of an answer."""

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


@pytest.mark.parametrize("status", [401, 403, 404, 407])
def test_an_answer_that_refuses_is_explained(status: int) -> None:
    """However the client calls its status: urllib, requests and httpx, aiohttp and urllib3 do it in different ways."""
    for attributes in ({"code": status}, {"status": status}, {"response": Response(status)}):

        class RefusedError(Exception):
            pass

        error = RefusedError("no")
        vars(error).update(attributes)
        assert " (the " in describe(error) or " (there is nothing at that address" in describe(error)


@pytest.mark.parametrize("attributes", [{"code": 500}, {"code": "401"}, {"response": None}, {"response": 401}, {}])
def test_any_other_answer_is_not(attributes: dict[str, Any]) -> None:
    """Nothing is made up."""
    error = ValueError("no")
    vars(error).update(attributes)
    assert describe(error) == "ValueError: no"


def test_a_forged_file_name_is_escaped() -> None:
    """It is a line of a log."""
    code = compile("def f():\n    raise ValueError('x')\n", "a\nERROR all is lost.py", "exec")
    scope: dict[str, Any] = {"__name__": "acme"}
    exec(code, scope)
    assert "\n" not in describe(raised_by(scope["f"]))
