"""The pytest plugin of `jobreporter.testing`: its fixtures, each imported only by a test that asks for it, and its options.

It stands beside the package, since pytest imports it in every project whose environment has jobreporter in it.
A project's own fixture of the same name takes the place of one of these.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from jobreporter import Event
    from jobreporter.testing import CommandLine, Dispatchers, Recorder, StandIn, SteppedClock

_DISPATCHERS = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--jobreporter-reporter NAME``, and what its table in the config would say."""
    group = parser.getgroup("jobreporter")
    group.addoption(
        "--jobreporter-reporter",
        metavar="NAME",
        help="Run ReporterConformance on this reporter: an installed one, or MODULE:ATTRIBUTE. Files that are named run too.",
    )
    group.addoption(
        "--jobreporter-option",
        dest="jobreporter_options",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="An option of that reporter, as in its table of the config; {port} stands for that of the server that stands "
        "in for the vendor's at 127.0.0.1, {folder} for an empty folder. May be given more than once.",
    )


def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """With ``--jobreporter-reporter`` there is one more file of tests. Where no other is named, it is the only one."""
    name = early_config.known_args_namespace.jobreporter_reporter
    if name is None:
        return
    from importlib_metadata import entry_points

    installed = entry_points(group="jobreporter.reporters").names
    if ":" not in name and name not in installed:
        raise pytest.UsageError(f"no reporter {name!r} is installed, but {', '.join(sorted(installed))}")
    args.append(str(Path(__file__).parent / "jobreporter/testing/_named.py"))


# The innermost: what reporters log while they are closed here is captured with the rest of the test.
@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test whose dispatcher has lost something has failed, rather than only what comes after it; unittest's as well."""
    yield
    dispatchers = item.stash.get(_DISPATCHERS, None)
    if dispatchers is not None:
        dispatchers.check()


@pytest.fixture
def dispatcher(request: pytest.FixtureRequest) -> Iterator[Dispatchers]:
    """Makes dispatchers: ``dispatcher({"pager": Pager}, config)``.

    They are closed when the test has run, and it fails if one of their reporters lost an event or has crashed, unless it
    was made with ``may_lose=True``. In a test that also asks for ``clock``, they live by that.
    """
    from jobreporter.testing import Dispatchers, SteppedClock

    clock = request.getfixturevalue("clock") if "clock" in request.fixturenames else None
    dispatchers = Dispatchers(clock if isinstance(clock, SteppedClock) else None)
    request.node.stash[_DISPATCHERS] = dispatchers
    yield dispatchers
    dispatchers.close()


@pytest.fixture
def recorder() -> Recorder:
    """A reporter that keeps every call in a list."""
    from jobreporter.testing import Recorder

    return Recorder()


@pytest.fixture
def clock() -> SteppedClock:
    """A clock that stands still until ``clock.advance(seconds)``; the dispatchers of ``dispatcher`` live by it."""
    from jobreporter.testing import SteppedClock

    return SteppedClock()


@pytest.fixture(name="every_event")
def _every_event() -> list[Event]:
    """Every kind of event that a source may publish, with each optional field missing, and hostile ones."""
    from jobreporter.testing import every_event

    return every_event()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A server on loopback in place of a vendor's; no proxy of the environment is asked on the way to it."""
    from jobreporter.testing import StandIn

    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def cli(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Runs ``jobreporter`` in a folder of its own: ``cli.config(text)``, ``cli.run("check")``."""
    from jobreporter.testing import CommandLine

    folder: Path = tmp_path_factory.mktemp("cli")
    return CommandLine(folder)
