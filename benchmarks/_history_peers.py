"""Where else executions are kept: django-celery-results, Flower's memory, RQ's registries; and the history itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from _executions import BEGIN, ERROR, JOBS, RARE, TRACEBACK, Done

from jobreporter import Context, Origin, Secret
from jobreporter_history import HistoryOptions
from jobreporter_history._open import open_database
from jobreporter_history._session import Session
from jobreporter_history.store import Term, open_store

#: Rows of a list, as a page shows them.
PAGE = 50
ORIGIN = Origin(service="shop", environment="production", release="1.0", host="web-1", pid=7, version="0.1.0")


class Keeps(Protocol):
    """Something that keeps executions. name: what rows call it."""

    name: str

    def keep(self, executions: Sequence[Done]) -> None:
        """Keep them, each as it comes."""
        ...

    def fill(self, executions: Sequence[Done]) -> None:
        """Keep them, in whatever way is quickest."""
        ...

    def queries(self, wanted: Done) -> dict[str, Callable[[], int]]:
        """What it can be asked, by what that is; each returns how many it found."""
        ...


class History:
    """jobreporter-history, as its reporter writes: in batches."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        context = Context(host="web-1", pid=7, version="0.1.0", stats=dict)
        options = HistoryOptions(
            store=Secret(url),
            keep_success=1e9,
            keep_failure=1e9,
            max_bytes=10**12,
            min_free=0 if "sqlite" in url else None,
        )
        self._session = Session(open_database(url, lambda: BEGIN), options, context, clock=lambda: BEGIN + 1e7)
        self._session.open()
        self.store = open_store(url)

        self.take, self.write = self._session.take, self._session.write

    def keep(self, executions: Sequence[Done]) -> None:
        for each in executions:
            for event in each.events():
                self.take(event, ORIGIN)
        self.write()

    fill = keep

    def queries(self, wanted: Done) -> dict[str, Callable[[], int]]:
        find = self.store.executions
        failure = Term("outcome", "failure")
        return {
            "the newest 50": lambda: len(find(limit=PAGE).rows),
            "the newest 50 failures": lambda: len(find([failure], limit=PAGE).rows),
            "one job's newest 50 failures": lambda: len(find([Term("name", JOBS[1]), failure], limit=PAGE).rows),
            "a word among the arguments": lambda: len(find([Term("text", RARE)], limit=PAGE).rows),
            "one by its id": lambda: int(self.store.execution(wanted.id) is not None),
        }

    def close(self) -> None:
        self.store.close()
        self._session.close()


class DjangoResults:
    """django-celery-results, as a worker writes: a row in a transaction for each."""

    def __init__(self, name: str, alias: str) -> None:
        from django_celery_results.models import TaskResult

        self.name = name
        self._alias = alias
        self._model: Any = TaskResult
        self._rows: Any = TaskResult.objects.using(alias)

    def keep(self, executions: Sequence[Done]) -> None:
        for each in executions:
            self._model.objects.store_result(
                "application/json", "utf-8", each.id, **self._fields(each), using=self._alias
            )

    def fill(self, executions: Sequence[Done]) -> None:
        common = {"content_type": "application/json", "content_encoding": "utf-8"}
        self._rows.bulk_create([self._model(task_id=each.id, **common, **self._fields(each)) for each in executions])

    def queries(self, wanted: Done) -> dict[str, Callable[[], int]]:
        newest = self._rows.order_by("-date_done")
        failures = newest.filter(status="FAILURE")
        return {
            "the newest 50": lambda: len(newest[:PAGE]),
            "the newest 50 failures": lambda: len(failures[:PAGE]),
            "one job's newest 50 failures": lambda: len(failures.filter(task_name=JOBS[1])[:PAGE]),
            "a word among the arguments": lambda: len(newest.filter(task_args__contains=RARE)[:PAGE]),
            "one by its id": lambda: int(self._rows.filter(task_id=wanted.id).first() is not None),
        }

    def _fields(self, each: Done) -> dict[str, Any]:
        failure = {"exc_type": "Declined", "exc_message": [ERROR.message], "exc_module": "shop.errors"}
        return {
            "result": json.dumps(failure) if each.failed else "null",
            "status": "FAILURE" if each.failed else "SUCCESS",
            "traceback": TRACEBACK if each.failed else None,
            "meta": '{"children": []}',
            "task_name": each.name,
            "task_args": json.dumps(repr(each.args)),
            "task_kwargs": '"{}"',
            "worker": "celery@web-1",
        }


def set_up_django(folder: Path, postgresql: dict[str, Any]) -> None:
    """Both databases, with the tables of django-celery-results. SQLite as the history has it, too."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    settings.configure(
        INSTALLED_APPS=["django_celery_results"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "django.db",
                "OPTIONS": {"init_command": pragmas},
            },
            "postgresql": {"ENGINE": "django.db.backends.postgresql", **postgresql},
        },
        USE_TZ=True,
    )
    django.setup()
    for alias in ("default", "postgresql"):
        call_command("migrate", verbosity=0, database=alias)


class FlowerMemory:
    """Flower's state, which lives as long as Flower does, of the last 100,000 tasks."""

    name = "Flower's memory"
    most = 100_000

    def __init__(self) -> None:
        from flower.events import EventsState

        self.state: Any = EventsState(max_tasks_in_memory=self.most)

    def keep(self, executions: Sequence[Done]) -> None:
        for each in executions:
            common = {"uuid": each.id, "hostname": "celery@web-1", "clock": 1, "pid": 7, "utcoffset": 0}
            times = {"timestamp": each.at - 0.5, "local_received": each.at - 0.5}
            received = {"name": each.name, "args": repr(each.args), "kwargs": "{}", "retries": 0, "eta": None}
            self.state.event({"type": "task-received", **common, **times, **received})
            self.state.event({"type": "task-started", **common, **times})
            times = {"timestamp": each.at, "local_received": each.at}
            ended: dict[str, Any] = (
                {"exception": repr(ERROR.message), "traceback": TRACEBACK}
                if each.failed
                else {"result": "None", "runtime": 0.5}
            )
            self.state.event({"type": "task-failed" if each.failed else "task-succeeded", **common, **times, **ended})

    fill = keep

    def queries(self, wanted: Done) -> dict[str, Callable[[], int]]:
        from flower.utils.tasks import iter_tasks

        def find(**terms: Any) -> Callable[[], int]:
            return lambda: len(list(iter_tasks(self, limit=PAGE, sort_by="-received", **terms)))

        return {
            "the newest 50": find(),
            "the newest 50 failures": find(state="FAILURE"),
            "one job's newest 50 failures": find(state="FAILURE", type=JOBS[1]),
            "a word among the arguments": find(search=RARE),
            "one by its id": lambda: int(self.state.tasks.get(wanted.id) is not None),
        }


class RqRegistries:
    """RQ's jobs and its registries of finished and failed ones, in Redis."""

    name = "RQ's registries"
    most = 100_000

    def __init__(self, url: str) -> None:
        from redis import Redis
        from rq import Queue

        self._connection: Any = Redis.from_url(url)
        self._queue: Any = Queue("mail", connection=self._connection)

    def keep(self, executions: Sequence[Done]) -> None:
        from rq.job import Job

        for each in executions:
            job: Any = Job.create(each.name, each.args, id=each.id, origin="mail", connection=self._connection)
            with self._connection.pipeline() as pipeline:
                job.save(pipeline=pipeline)
                if each.failed:
                    job._handle_failure(TRACEBACK, pipeline=pipeline)
                else:
                    job._handle_success(86_400, pipeline=pipeline)
                pipeline.execute()

    fill = keep

    def queries(self, wanted: Done) -> dict[str, Callable[[], int]]:
        from rq.job import Job

        def newest(registry: Any) -> Callable[[], int]:
            return lambda: len(Job.fetch_many(registry.get_job_ids(-PAGE, -1, cleanup=False), self._connection))

        return {
            "the newest 50": newest(self._queue.finished_job_registry),
            "the newest 50 failures": newest(self._queue.failed_job_registry),
            "one by its id": lambda: int(Job.fetch(wanted.id, self._connection) is not None),
        }
