"""One job that fails, for ``jobreporter check --app``."""

from __future__ import annotations

from celery import Celery

from jobreporter import Dispatcher
from jobreporter.sources.celery import attach


def fail_once(dispatcher: Dispatcher, error: Exception) -> None:
    """Run an eager task that raises ``error``, on an app of its own. Celery traces it, and logs it, as in a worker."""
    app = Celery("jobreporter.check", broker="memory://", set_as_current=False)
    attach(app, dispatcher)

    def fail() -> None:
        raise error

    app.task(fail, name="jobreporter.check").apply(throw=False)
