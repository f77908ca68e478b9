"""``[schedules]``: what may stand there, and who is told of what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import pytest

from jobreporter import Dispatcher, hookimpl
from jobreporter._config.settings import ScheduleSettings
from jobreporter._dispatch.wiring import from_objects, schedules_of, survey
from jobreporter.schedules import Schedule

from .configs import FILE, faults_of, read


def test_a_schedule_is_about_the_job_of_its_name() -> None:
    """Unless it names another; durations are text or seconds."""
    config = read(
        """
        [schedules."backup"]
        cron = "30 2 * * *"
        timezone = "Europe/Berlin"
        [schedules.report]
        job = "shop.report"
        source = "celery"
        queue = "low"
        every = "1h 30m"
        grace = 0
        """
    )
    assert config.schedules == {
        "backup": ScheduleSettings(cron="30 2 * * *", timezone="Europe/Berlin"),
        "report": ScheduleSettings(job="shop.report", source="celery", queue="low", every=5400.0, grace=0.0),
    }
    assert schedules_of(config) == (
        Schedule(name="backup", job="backup", cron="30 2 * * *", timezone="Europe/Berlin"),
        Schedule(name="report", job="shop.report", source="celery", queue="low", every=5400.0, grace=0.0),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[schedules.a]", ":1, [schedules.a]: expected either 'cron' or 'every', found neither"),
        (
            "[schedules.a]\ncron = '0 3 * * *'\nevery = 60",
            ":1, [schedules.a]: expected either 'cron' or 'every', found both",
        ),
        (
            "[schedules.a]\ncron = '@daily'",
            ":2, [schedules.a]: key 'cron': expected minute, hour, day, month and weekday",
        ),
        ("[schedules.a]\ncron = '0 0 3 * * *'", "found '0 0 3 * * *'"),
        ("[schedules.a]\nevery = 0", "[schedules.a]: key 'every': expected"),
        ("[schedules.a]\nevery = '1h'\ngrace = -1", "[schedules.a]: key 'grace': expected"),
        ("[schedules.a]\nevry = '1h'", "unknown key 'evry'. Did you mean 'every'?"),
        ("[schedules.'a b']\nevery = '1h'", "schedule name 'a b': expected at most 64 letters"),
        ("schedules = 1", "key 'schedules': expected a table, found a whole number"),
        ("[schedule.a]\nevery = '1h'", "unknown table 'schedule'. Did you mean 'schedules'?"),
        (
            "[schedules.a]\nevery = '1h'\n[reporters.schedules]",
            "the name 'schedules' is that of the lane that watches them",
        ),
    ],
)
def test_what_is_wrong_is_told(text: str, problem: str) -> None:
    """With its place, what was found, and what was expected."""
    assert any(each.startswith(FILE) and problem in each for each in faults_of(text)), faults_of(text)


def test_reporters_know_the_schedules() -> None:
    """In their context, as they stand in the config."""
    seen = []

    class Reporter:
        @hookimpl
        def reporter_start(self, context: object) -> None:
            seen.append(context.schedules)  # type: ignore[attr-defined]

        @hookimpl
        def reporter_tick(self) -> None:
            pass

    config = {"schedules": {"backup": {"every": "1h"}}}
    with Dispatcher({"mine": Reporter}, config=config) as dispatcher:
        dispatcher.start()
        assert dispatcher.flush(20)
    assert seen == [(Schedule(name="backup", job="backup", every=3600.0),)]


def test_cron_is_evaluated_by_who_watches_and_by_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker doesn't import what that needs."""
    path = tmp_path / "jobreporter.toml"
    path.write_text(
        f"""
[stream]
url = "sqlite://{tmp_path}/stream.db"
[reporters.log]
[schedules.minute]
cron = "61 * * * *"
[schedules.zone]
cron = "0 3 * * *"
timezone = "Europe/Atlantis"
"""
    )
    assert survey(path, "worker").faults == ()
    for place in ("agent", None):
        assert [str(fault).removeprefix(f"{path}:") for fault in survey(path, place).faults] == [  # type: ignore[arg-type]
            "6, [schedules.minute]: key 'cron': '61 * * * *' is no cron expression (Bad minute)",
            "9, [schedules.zone]: key 'timezone': there is no time zone 'Europe/Atlantis'",
        ]
    monkeypatch.setitem(sys.modules, "cronsim", None)
    assert survey(path, "worker").faults == ()
    assert "a cron expression needs cronsim: pip install 'jobreporter[schedules]'" in str(
        survey(path, "agent").faults[0]
    )


def test_schedules_that_nobody_watches_are_doubtful(tmp_path: Path) -> None:
    """Without a stream, a reporter has to do it."""
    path = tmp_path / "jobreporter.toml"
    text = "[reporters.log]\n[schedules.backup]\nevery = '1h'\n"
    path.write_text(text)
    [note] = survey(path).parsed.notes
    assert note.doubtful
    assert note.text.startswith("[schedules] has no effect: agents of a [stream] watch them")
    path.write_text(text + f'[stream]\nurl = "sqlite://{tmp_path}/stream.db"\n')
    assert survey(path).parsed.notes == ()
    assert from_objects({}, {"schedules": {"backup": {"every": "1h"}}}).config.schedules


@pytest.mark.parametrize("place", [None, "worker"])
def test_a_reporter_that_does_things_by_time_may_watch_schedules(
    place: Literal["worker"] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is known once its plugin is loaded. Of one that can't be loaded now, nothing is known."""
    (tmp_path / "keepers.py").write_text(
        "from jobreporter import hookimpl\nclass Keeper:\n    @hookimpl\n    def reporter_tick(self): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "jobreporter.toml"
    for use in ("keepers:Keeper", "no_such_module:Keeper"):
        path.write_text(f"[reporters.log]\n[reporters.mine]\nuse = '{use}'\n[schedules.backup]\nevery = '1h'\n")
        assert survey(path, place).parsed.notes == ()
