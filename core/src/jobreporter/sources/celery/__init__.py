"""Celery: reports what its workers do with jobs.

``attach(app)`` goes where the app is made. It is harmless in processes that only enqueue: reporters start in each
process that runs jobs, when the worker starts it.
"""

from __future__ import annotations

from jobreporter import Dispatcher, JobReporterError
from jobreporter.sourcekit import LazyDispatcher, Library

LIBRARY = Library("Celery", "celery", (5, 5), version_in=("celery", "__version__"))

try:
    from celery import Celery
    from celery import __version__ as found
    from celery.local import Proxy

    from jobreporter.sources.celery._source import Source
except ImportError as error:
    raise LIBRARY.refusal() from error
LIBRARY.check(found)


def attach(app: Celery, dispatcher: Dispatcher | None = None) -> None:
    """Report what becomes of this app's jobs. Call it once, where the app is made.

    - ``app``: the app, or a proxy of one such as ``celery.current_app``.
    - ``dispatcher``: one of the program's own, which it closes itself. By default one is built from the config when a
      worker starts; a config that can't be used ends the worker there, with the `ConfigError`'s text and before it takes
      a job.

    Raises TypeError for what is no app, and `JobReporterError` for one that is attached already.
    """
    if isinstance(app, Proxy):  # such as `celery.current_app`
        app = app._get_current_object()
    LIBRARY.expect(app, Celery, "a Celery app")
    if is_attached(app):
        raise JobReporterError(
            f"attach() was called twice for the Celery app {app.main!r}: every event would come twice"
        )
    # Celery holds receivers weakly: they live as long as the app does.
    app.jobreporter = Source(app, LazyDispatcher(dispatcher, source="celery"))
    app.jobreporter.connect()


def is_attached(app: Celery) -> bool:
    """Whether this app's jobs are reported."""
    return hasattr(app, "jobreporter")
