"""A dispatcher as a config file describes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from jobreporter import ConfigError, Context, Dispatcher, PluginError, hookimpl
from jobreporter.testing import Recorder, make_event, read_calls
from tests.waiting import until

PLUGIN = """
from jobreporter import Options, Secret, hookimpl

class DemoOptions(Options):
    token: Secret
    colour: str = "red"

@hookimpl
def reporter_start(options: DemoOptions):
    return []

@hookimpl
def handle_started(state):
    return state
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project's folder that is the working directory and importable, with a plugin in it.

    What is imported from it is forgotten afterwards.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "app_reporter.py").write_text(PLUGIN)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        if str(tmp_path) in str(getattr(module, "__path__", None) or getattr(module, "__file__", "")):
            del sys.modules[name]


def config(folder: Path, text: str) -> None:
    (folder / "jobreporter.toml").write_text(text)


def test_a_reporter_learns_where_it_is_configured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own name, the config's file, and the page that it may link to."""
    told: list[tuple[str, str | None, str | None]] = []

    class Plugin:
        @hookimpl
        def reporter_start(self, context: Context) -> None:
            told.append((context.reporter, context.config, context.page))

    config(folder, '[context]\npage = "https://jobs.example.org"\n[reporters.night]\nuse = "app_night:Plugin"')
    module = ModuleType("app_night")
    vars(module).update(Plugin=Plugin, __file__="app_night.py")
    monkeypatch.setitem(sys.modules, "app_night", module)
    with Dispatcher.from_config() as dispatcher:
        dispatcher.publish(make_event("started"))
    with Dispatcher(reporters={"desk": Plugin}) as dispatcher:
        dispatcher.publish(make_event("started"))
    assert told == [("night", str(folder / "jobreporter.toml"), "https://jobs.example.org"), ("desk", None, None)]


def test_enabled_reporters_get_the_events(folder: Path) -> None:
    """A table enables a reporter, from the file that is found; ``enabled = false`` doesn't."""
    config(
        folder,
        """
        [reporters.recorder]
        use = "jobreporter.testing:FileRecorder"
        path = "calls"

        [reporters.off]
        use = "not_there:reporter"
        enabled = false
        """,
    )
    with Dispatcher.from_config() as dispatcher:
        dispatcher.publish(make_event("started"))
    assert list(dispatcher.stats()) == ["recorder"]
    assert [call.hook for call in read_calls(folder / "calls")][1] == "handle_started"


def test_all_faults_of_all_reporters_come_in_one_error(folder: Path) -> None:
    """What is wrong with several reporters' options is told at once."""
    config(
        folder,
        """
        [reporters.one]
        use = "app_reporter"
        tokn = "x"

        [reporters.two]
        use = "app_reporter:nothing"
        """.replace('"app_reporter"', '"app_reporter:module"'),
    )
    (folder / "app_reporter.py").write_text(PLUGIN + "\nimport sys\nmodule = sys.modules[__name__]\n")
    with pytest.raises(ConfigError) as caught:
        Dispatcher.from_config(folder / "jobreporter.toml")
    path = folder / "jobreporter.toml"
    assert [str(fault).partition(". The names")[0] for fault in caught.value.faults] == [
        f"{path}:2, [reporters.one]: option 'token' is missing: expected a secret",
        f"{path}:4, [reporters.one]: unknown option 'tokn'. Did you mean 'token'?",
        # Alone, that would leave the reporter broken, and stop nobody.
        f"{path}:6, [reporters.two]: 'app_reporter' has no 'nothing'",
    ]


def test_what_is_wrong_anywhere_in_the_file_comes_in_one_error(folder: Path) -> None:
    """Wrong keys, unknown reporters and wrong options are found in one go."""
    (folder / "shop").mkdir()
    (folder / "shop" / "reporters.py").write_text(PLUGIN)
    config(
        folder,
        """
        [dispatcher]
        exit_timout = 3

        [reporters.sentri]

        [reporters.demo]
        use = "shop:reporters"
        colr = "blue"
        lane = { capacty = 3 }
        """,
    )
    with pytest.raises(ConfigError) as caught:
        Dispatcher.from_config()
    problems = str(caught.value)
    for nearest in ("exit_timeout", "sentry", "colour", "lane"):
        assert nearest in problems, problems
    assert "token" in problems, "a required option is missing"
    assert len(caught.value.faults) == 5


def test_app_local_code_may_be_a_module(folder: Path) -> None:
    """``use = "package:module"`` names a module that nobody has imported yet."""
    (folder / "shop2").mkdir()
    (folder / "shop2" / "reporters.py").write_text(PLUGIN)
    config(folder, '[reporters.demo]\nuse = "shop2:reporters"\ntoken = "x"')
    with Dispatcher.from_config() as dispatcher:
        dispatcher.publish(make_event("started"))
        assert dispatcher.flush(10)
        assert dispatcher.stats()["demo"].handled == 1


def test_a_reporter_whose_secret_is_unset_is_broken_and_the_others_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker starts all the same; once the secret is there, the next try finds it."""
    (folder / "app_reporter.py").write_text(PLUGIN + "\nimport sys\nmodule = sys.modules[__name__]\n")
    config(
        folder,
        """
        [reporters.demo]
        use = "app_reporter:module"
        token = { env = "DEMO_TOKEN" }

        [reporters.recorder]
        use = "jobreporter.testing:FileRecorder"
        path = "calls"
        """,
    )
    with Dispatcher.from_config() as dispatcher:
        dispatcher.publish(make_event("started"))
        until(lambda: dispatcher.stats()["demo"].status == "broken")
        until(lambda: dispatcher.stats()["recorder"].handled == 1)
        reason = dispatcher.stats()["demo"].reason
        assert reason is not None
        assert "DEMO_TOKEN" in reason
        monkeypatch.setenv("DEMO_TOKEN", "s3cret")
        until(lambda: dispatcher.stats()["demo"].handled == 1)


def test_a_plugin_that_can_not_be_imported_is_broken_until_it_can(folder: Path) -> None:
    """An import that fails is no reason to stop a worker, and is tried again."""
    config(folder, '[reporters.late]\nuse = "late_reporter:reporter"')
    with Dispatcher.from_config() as dispatcher:
        dispatcher.publish(make_event("started"))
        until(lambda: dispatcher.stats()["late"].status == "broken")
        (folder / "late_reporter.py").write_text("from jobreporter.testing import Recorder\nreporter = Recorder()\n")
        until(lambda: dispatcher.stats()["late"].handled == 1)


def test_a_plugin_that_is_refused_is_broken(folder: Path) -> None:
    """From a config, a plugin that would not do what it says is broken, with the sentence that says why."""
    (folder / "app_reporter.py").write_text("def handle_failure(job): ...")
    config(folder, '[reporters.bad]\nuse = "app_reporter:handle_failure"')
    with Dispatcher.from_config() as dispatcher:
        dispatcher.start()
        until(lambda: dispatcher.stats()["bad"].status == "broken")
        reason = dispatcher.stats()["bad"].reason
        assert reason is not None
        assert reason.startswith("it is the function handle_failure, but should be")


def test_a_reporter_that_is_not_installed_is_a_fault(folder: Path) -> None:
    """A name that no distribution provides stops the worker at its start."""
    config(folder, "[reporters.lgo]")
    with pytest.raises(ConfigError, match=r"\[reporters.lgo\].*Did you mean 'log'"):
        Dispatcher.from_config()


def test_without_a_file_there_are_no_reporters(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No config is one warning, and a dispatcher that does nothing."""
    dispatcher = Dispatcher.from_config()
    assert dispatcher.stats() == {}
    assert len(caplog.messages) == 1


def test_a_program_configures_the_plugins_that_it_passes(folder: Path) -> None:
    """``config`` has the shape of the file, and its tables are for the plugins that were given."""
    with pytest.raises(ConfigError, match=r"\[reporters.recoder\]: no reporter 'recoder' was given. Did you mean 'rec"):
        Dispatcher({"recorder": Recorder()}, config={"reporters": {"recoder": {}}})
    with pytest.raises(ConfigError, match="reporters"):
        Dispatcher({"recorder": Recorder()}, config={"reporters": 3})
    with pytest.raises(ConfigError, match="unknown option 'x'"):
        Dispatcher({"recorder": Recorder()}, config={"reporters": {"recorder": {"x": 1}}})


def test_a_program_is_told_at_once_of_a_plugin_that_is_refused() -> None:
    """Passed as an object, a refused plugin raises where it is passed."""

    class Misspelt:
        @hookimpl
        def handle_failed(self) -> None: ...

    with pytest.raises(PluginError, match="handle_failure"):
        Dispatcher({"misspelt": Misspelt})


def test_the_context_says_where_a_reporter_runs() -> None:
    """A reporter learns service, environment and release from the config, and its neighbours' ledger."""
    recorder = Recorder()
    tables = {"context": {"service": "shop", "environment": "test", "release": "1.2"}}
    with Dispatcher({"recorder": recorder}, config=tables) as dispatcher:
        dispatcher.publish(make_event("started"))
        assert dispatcher.flush(10)
        context = recorder.calls[0].context
        assert context is not None
        assert (context.service, context.environment, context.release) == ("shop", "test", "1.2")
        assert context.stats()["recorder"].handled == 1
