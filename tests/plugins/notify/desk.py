"""A history with a keeper and a notifier, whose clock tests move."""

from __future__ import annotations

from typing import Any

from jobreporter import Frame, Secret, parse_duration
from jobreporter.schedules import Schedule, missed_run
from jobreporter.testing import make_error
from jobreporter_history.store import Store, open_store
from jobreporter_notify import NotifyOptions
from jobreporter_notify._reporter import notifier_of
from tests.plugins.history.executions import failed, succeeded
from tests.plugins.history.sessions import Running

PAGE = "https://jobs.example.org"
ERROR = make_error(
    "shop.errors.Declined",
    "card 4711 was declined",
    frames=(
        Frame(filename="/srv/shop/shop/tasks.py", lineno=12, function="charge", module="shop.tasks", in_app=True),
        Frame(
            filename="/srv/shop/shop/bank.py",
            lineno=42,
            function="charge",
            module="shop.bank",
            line="    raise Declined(card)\n",
            in_app=True,
        ),
        Frame(filename="/usr/lib/python3/site-packages/bank/api.py", lineno=4, function="post", in_app=False),
    ),
)


class Desk:
    """running: the history. to: who is told."""

    def __init__(self, running: Running, to: dict[str, str], *, reporter: str = "notify", **options: Any) -> None:
        self.running = running
        self.monotonic = 0.0
        given = {name: _option(name, value) for name, value in options.items()}
        self.options = NotifyOptions(to={name: Secret(url) for name, url in to.items()}, **given)
        self.store: Store = open_store(running.url, clock=lambda: running.now)
        self.notifier = notifier_of(self.store, self.options, reporter, PAGE, lambda: self.monotonic)
        # A keeper, and readers who know what was there before.
        running.tick(10)
        self.notifier.follow()

    @property
    def now(self) -> float:
        """What time it is."""
        return self.running.now

    def fail(self, *names: str, times: int = 1, **job: Any) -> None:
        """Jobs fail for good."""
        event = {"error": ERROR, "will_retry": False}
        for name in names or ("shop.tasks.charge",):
            for _ in range(times):
                assert self.running.write(failed(self.now, event=event, name=name, **job))

    def succeed(self, *names: str, times: int = 1) -> None:
        """Jobs succeed."""
        for name in names or ("shop.tasks.charge",):
            for _ in range(times):
                assert self.running.write(succeeded(self.now, name=name))

    def miss(self, name: str) -> None:
        """A run of a schedule doesn't come."""
        assert self.running.write(missed_run(Schedule(name=name, job=name), self.now - 300))

    def wait(self, seconds: float) -> None:
        """Time passes, with a tick of the keeper and one of the notifier every five seconds and at its end."""
        while seconds > 0:
            step = min(seconds, 5.0)
            seconds -= step
            self.monotonic += step
            self.running.tick(step)
            self.notifier.tick()

    def jump(self, seconds: float) -> None:
        """Time passes at once: one tick at its end."""
        self.monotonic += seconds
        self.running.tick(seconds)
        self.notifier.tick()

    def close(self) -> None:
        """Let go of the store."""
        self.notifier.close()


def _option(name: str, value: Any) -> Any:
    return parse_duration(value) if name in {"wait", "repeat", "send_timeout"} and value != "never" else value
