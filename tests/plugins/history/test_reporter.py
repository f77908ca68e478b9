"""The reporter as a whole: in a dispatcher, from a config, in workers that end in every way."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from jobreporter import Dispatcher
from jobreporter_history import HistoryReporter
from jobreporter_history._engines import sqlite

from .conftest import Read
from .contents import rows_equal_rollups


def dispatcher_of(url: str, **options: object) -> Dispatcher:
    """A dispatcher with the history alone."""
    config = {
        "context": {"service": "shop", "environment": "production", "release": "1.0"},
        "reporters": {"history": {"store": url, **options}},
    }
    return Dispatcher({"history": HistoryReporter}, config=config)


def test_every_outcome_is_kept(url: str, read: Read) -> None:
    """Success, abort, failure with its error, and what still runs, with all that the job said."""
    store = read(url)
    with dispatcher_of(url) as dispatcher:
        with dispatcher.begin("shop.charge", queue="mail", args=(1,), kwargs={"customer": "acme"}) as execution:
            execution.tag(customer="acme")
        with pytest.raises(ZeroDivisionError), dispatcher.begin("shop.charge", queue="mail"):
            1 / 0  # noqa: B018 - it is to fail
        dispatcher.abort("expired", "shop.charge", queue="mail")
        with dispatcher.begin("shop.sleep"):
            assert dispatcher.flush(20)
            [running] = store.running()
            assert (running.name, running.service, running.release) == ("shop.sleep", "shop", "1.0")
        assert dispatcher.flush(20)
        assert store.running() == ()
        rows = store.executions().rows
        assert sorted(row.outcome for row in rows) == ["aborted", "failure", "success", "success"]
        [failure] = [row for row in rows if row.outcome == "failure"]
        detail = store.execution(failure.execution_id)
        assert detail is not None
        assert detail.error is not None
        assert detail.error.frames[-1].line == "1 / 0  # noqa: B018 - it is to fail"
        [stats] = dispatcher.stats().values()
        assert (stats.handled, stats.failed, stats.lost, stats.restarts) == (stats.accepted, 0, 0, 0)
    assert rows_equal_rollups(url) == 4


def test_arguments_may_stay_out(url: str, read: Read) -> None:
    """With `store_args = false` neither the row nor the index has them."""
    with dispatcher_of(url, store_args=False) as dispatcher, dispatcher.begin("shop.charge", args=("canary",)):
        pass
    store = read(url)
    [row] = store.executions().rows
    assert (row.args, row.kwargs) == ((), {})
    from jobreporter_history.store import Term

    assert store.executions([Term("text", "canary")]).rows == ()


def test_a_locked_store_delays_and_loses_nothing(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the store is locked the reporter asks to be tried again; afterwards everything is handled."""
    import sqlite3

    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    with dispatcher_of(sqlite_url) as dispatcher:
        with dispatcher.begin("shop.charge"):
            pass
        assert dispatcher.flush(20)
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite://"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with dispatcher.begin("shop.charge"):
            pass
        assert not dispatcher.flush(1.0)
        [stats] = dispatcher.stats().values()
        assert (stats.failed, stats.restarts) == (0, 0)
        assert stats.retries > 0
        assert stats.pending > 0
        other.execute("ROLLBACK")
        other.close()
        assert dispatcher.flush(20)
    assert rows_equal_rollups(sqlite_url) == 2


PROGRAM = """
    import sys
    from jobreporter import Dispatcher
    dispatcher = Dispatcher.from_config(sys.argv[1])
    for number in range(3):
        with dispatcher.begin("shop.charge"):
            pass
    {end}
"""


@pytest.mark.parametrize("end", ["dispatcher.close(20)", "pass", "sys.exit(3)"])
def test_a_program_that_ends_leaves_its_history(sqlite_url: str, tmp_path: Path, end: str) -> None:
    """By closing its dispatcher, by reaching its end, or by an exit code: all three executions are there, and it says
    nothing."""
    config = tmp_path / "jobreporter.toml"
    config.write_text(f'[reporters.history]\nstore = "{sqlite_url}"\n')
    program = textwrap.dedent(PROGRAM).replace("{end}", end)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(config)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == (3 if "exit" in end else 0)
    assert rows_equal_rollups(sqlite_url) == 3


def test_a_worker_imports_nothing_that_it_does_not_need(sqlite_url: str, tmp_path: Path) -> None:
    """Without PostgreSQL nothing of it, and in no case the command line, time zones, or what readers need alone."""
    program = textwrap.dedent(f"""
        import sys
        from jobreporter import Dispatcher
        from jobreporter_history import HistoryReporter
        config = {{"reporters": {{"history": {{"store": "{sqlite_url}"}}}}}}
        with Dispatcher({{"history": HistoryReporter}}, config=config) as dispatcher:
            with dispatcher.begin("shop.charge"):
                pass
            assert dispatcher.flush(20)
        unwanted = {{"psycopg", "cronsim", "zoneinfo", "click", "jobreporter_history._engines.postgresql",
                     "jobreporter_history._cli", "jobreporter_history.store", "ctypes"}}
        print(sorted(unwanted & sys.modules.keys()))
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_lane_imports_nothing_that_takes_long(url: str, tmp_path: Path) -> None:
    """What a thread imports while its process forks, the child can never import: so nothing is left to the reporter's thread but
    what a fork waits for. A job that is kept, with a failure and a tick, has psycopg imported where the config was read."""
    config = tmp_path / "jobreporter.toml"
    config.write_text(f'[reporters.history]\nstore = "{url}"\n')
    program = textwrap.dedent("""
        import sys, threading
        from jobreporter import Dispatcher
        dispatcher = Dispatcher.from_config(sys.argv[1])
        found = []
        class Watch:
            def find_spec(self, name, path=None, target=None):
                if threading.current_thread() is not threading.main_thread():
                    found.append(name)
        sys.meta_path.insert(0, Watch())
        with dispatcher:
            with dispatcher.begin("shop.charge"):
                pass
            with dispatcher.begin("shop.charge") as execution:
                execution.fail(ValueError("no funds"))
            assert dispatcher.flush(20)
        print(sorted({name.partition(".")[0] for name in found} & {"psycopg", "psycopg_binary", "jobreporter_history"}))
    """)
    command = [sys.executable, "-c", program, str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert rows_equal_rollups(url) == 2


def test_postgresql_without_its_extra_is_a_sentence(tmp_path: Path) -> None:
    """Where psycopg isn't installed, the reporter is broken and says what to install."""
    program = textwrap.dedent("""
        import sys
        sys.modules["psycopg"] = None
        from jobreporter_history.store import open_store
        try:
            open_store("postgresql://localhost/history")
        except Exception as error:
            print(type(error).__name__, error)
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Refused PostgreSQL needs psycopg")
    assert "pip install 'jobreporter-history[postgresql]'" in done.stdout
