"""``jobreporter check --app``: does anything report this application's jobs?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobreporter._plugins.installed import SOURCES
from jobreporter.testing import CommandLine

APPS = {
    "celery": ("from celery import Celery\napp = Celery('shop', broker='memory://')\n", "attach(app)"),
    "dramatiq": ("from dramatiq.brokers.stub import StubBroker\napp = StubBroker()\n", "attach(app)"),
    "huey": ("from huey import MemoryHuey\napp = MemoryHuey('shop')\n", "attach(app)"),
}


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    """A project with one reporter that works. Its modules are in the working directory."""
    project = CommandLine(tmp_path)
    project.config("[reporters.log]\n")
    project.environ.pop("PYTHONPATH")
    return project


def app(project: CommandLine, name: str = "shop:app") -> dict[str, Any]:
    """What check finds of an app; the exit code says the same."""
    done = project.run("check", "--json", "--app", name)
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if report["app"]["attached"] else 1)
    found: dict[str, Any] = report["app"]
    assert found["attached"] or report["summary"] == f"wrong: {found['detail']}"
    return found


@pytest.mark.parametrize("source", APPS)
def test_an_app_that_is_attached_is_right(project: CommandLine, source: str) -> None:
    """Named in full, or found in its module."""
    making, attaching = APPS[source]
    (project.folder / "shop.py").write_text(
        f"{making}from jobreporter.sources.{source} import attach\n{attaching}\nother = 3\n"
    )
    for name in ("shop:app", "shop"):
        found = app(project, name)
        assert (found["source"], found["attached"]) == (source, True)
        assert found["detail"].endswith("and its jobs are reported")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("orders", "celery"),
        ("orders.celery", "celery"),
        ("orders.celery.app", "celery"),
        ("tasks.huey", "huey"),
        ("orders.jobs.Worker", "rq"),
        ("jobreporter.sources.rq.Worker", "rq"),
    ],
)
def test_an_app_is_found_as_its_own_command_finds_it(project: CommandLine, name: str, source: str) -> None:
    """`celery -A orders`, `huey_consumer tasks.huey`, `rq worker -w orders.jobs.Worker`."""
    made = {
        "orders/__init__": "",
        "orders/celery": "\n".join((APPS["celery"][0], "from jobreporter.sources.celery import attach\nattach(app)\n")),
        "orders/jobs": "from jobreporter.sources.rq import Worker\n",
        "tasks": "from huey import MemoryHuey\nfrom jobreporter.sources.huey import attach\n"
        "huey, other = MemoryHuey('a'), MemoryHuey('b')\nattach(huey)\n",
    }
    for module, text in made.items():
        (project.folder / module).parent.mkdir(exist_ok=True)
        (project.folder / f"{module}.py").write_text(text)

    found = app(project, name)
    assert (found["source"], found["attached"]) == (source, True)


@pytest.mark.parametrize("source", APPS)
def test_an_app_that_is_not_attached_is_wrong(project: CommandLine, source: str) -> None:
    """The config is right, and nothing would ever be reported: it says which line is missing."""
    (project.folder / "shop.py").write_text(APPS[source][0])
    found = app(project)
    assert found["source"] == source
    assert f"nothing reports its jobs: add `from jobreporter.sources.{source} import attach`" in found["detail"]


def test_a_worker_class_of_rq_tells(project: CommandLine) -> None:
    """RQ has no app: its worker's class is what counts."""
    (project.folder / "shop.py").write_text(
        "import redis, rq\nimport jobreporter.sources.rq as ours\n"
        "class Own(ours.Worker): ...\nclass Plain(rq.Worker): ...\n"
        "queue = rq.Queue(connection=redis.Redis())\n"
    )
    assert app(project, "shop:Own")["attached"]
    assert app(project, "jobreporter.sources.rq:SimpleWorker")["attached"]
    assert "start its workers with --worker-class jobreporter.sources.rq.Worker" in app(project, "shop:Plain")["detail"]
    assert (
        "it is an RQ queue, and nothing reports its jobs: name its class of workers" in app(project, "shop")["detail"]
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("shop:three", "it is of the type 'int', and none of these: "),
        ("shop:Huey", "it is the class 'MemoryHuey', and none of these: "),
        ("shop:make_app", "it is a function, and none is called: name a variable that holds the app"),
        ("shop:qqqq", "'shop' has no 'qqqq'. The apps in it are 'a' and 'b'"),
        ("shop", "name one app of 'shop' as shop:APP. The apps in it are 'a' and 'b'"),
        ("pack", "name one app of 'pack' as pack:APP. The modules in it are 'celery' and 'tasks'"),
        ("pack.tasks.app", "can't import 'pack.tasks.app': "),
        ("broken", "can't import 'broken.celery': ZeroDivisionError: division by zero ("),
        ("shopp:a", "nor in the working directory '{}'. Did you mean 'shop'?"),
        (
            "inner:a",
            "nor in the working directory '{0}', but there is one in '{0}/src': set PYTHONPATH=src, or install",
        ),
    ],
)
def test_what_is_no_app_is_told(project: CommandLine, name: str, told: str) -> None:
    """With what is there instead: an app is named by hand, and by people who are new to it."""
    made = "from huey import MemoryHuey as Huey\nb = Huey('b')\na = Huey('a')\nthree = 3\ndef make_app(): ...\n"
    (project.folder / "shop.py").write_text(made)
    for module in ("pack/__init__", "pack/tasks", "pack/celery", "src/inner/__init__"):
        (project.folder / module).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / f"{module}.py").touch()
    (project.folder / "broken").mkdir()
    (project.folder / "broken/celery.py").write_text("1 / 0\n")
    assert told.format(project.folder) in app(project, name)["detail"]


@pytest.mark.parametrize(
    "silencing",
    [
        "logging.config.dictConfig({'version': 1})",
        "logging.disable()",
        "logging.getLogger('jobreporter').setLevel(logging.CRITICAL)",
        "logging.getLogger().setLevel(100)",
    ],
)
def test_an_app_that_silences_the_log_hides_no_broken_reporter(project: CommandLine, silencing: str) -> None:
    """What its import does to logging is done before a reporter is tried."""
    making, attaching = APPS["huey"]
    (project.folder / "shop.py").write_text(
        f"{making}from jobreporter.sources.huey import attach\n{attaching}\nimport logging.config\n{silencing}\n"
    )
    (project.folder / "mine.py").write_text(
        "from jobreporter import hookimpl\nclass Reporter:\n    @hookimpl\n    def reporter_start(self): raise OSError('no room')\n"
    )
    project.config("[reporters.mine]\nuse = 'mine:Reporter'\n")
    done = project.run("check", "--json", "--app", "shop:app")
    report = json.loads(done.stdout)

    assert done.returncode == 1
    assert [each["status"] for each in report["reporters"]] == ["failed"]


LITE = """
import litelibrary
from jobreporter.sourcekit import Library
print("imported")

LIBRARY = Library(
    "Lite", "lite", oldest=(1, 0), version_in=("litelibrary", "version"), attached_by="attach(queue)",
    module="jobreporter_lite", requirement="jobreporter-lite",
)

def attach(queue): queue.reported = True

def is_attached(app):
    return app.reported if isinstance(app, litelibrary.Queue) else None
"""


@pytest.fixture
def lite(project: CommandLine) -> CommandLine:
    """A project with an outsider's source installed, beside its job queue."""
    project.environ["PYTHONPATH"] = str(project.site)
    project.module("litelibrary", "class Queue:\n    reported = False\nversion = '1.2'\n")
    project.module("jobreporter_lite", LITE)
    project.install("jobreporter-lite", "3.1", "lite", "jobreporter_lite:attach", group=SOURCES)
    return project


def test_a_source_of_another_package_tells_of_its_own_apps(lite: CommandLine) -> None:
    """By a function in its module; an app of ours stays one of ours."""
    made = "from litelibrary import Queue\nqueue = Queue()\nother = 3\n"
    (lite.folder / "shop.py").write_text(f"{made}from jobreporter_lite import attach\nattach(queue)\n")
    for name in ("shop:queue", "shop"):
        assert app(lite, name) == {
            "name": name,
            "source": "lite",
            "attached": True,
            "detail": "it is an app of Lite, and its jobs are reported",
        }
    (lite.folder / "shop.py").write_text(made)
    assert app(lite, "shop")["detail"] == (
        "it is an app of Lite, and nothing reports its jobs: switch it on with `attach(queue)` (jobreporter_lite:attach)"
    )
    assert app(lite, "shop:other")["detail"].endswith("a Huey instance, a class of RQ workers, an app of Lite")
    (lite.folder / "shop.py").write_text(APPS["celery"][0])
    assert app(lite, "shop")["source"] == "celery"


@pytest.mark.parametrize(
    "module",
    [
        "raise SystemExit(3)",
        "import a_queue_that_is_not_installed",
        "def attach(queue): ...",
        "is_attached = 3\ndef attach(queue): ...",
        "def is_attached(app): return app.no_such_thing\ndef attach(queue): ...",
        "def is_attached(app): return 'yes'\ndef attach(queue): ...",
    ],
)
def test_a_source_that_can_not_tell_hides_no_other(lite: CommandLine, module: str) -> None:
    """It is broken, or says nothing of what it is attached to, or no yes and no no."""
    lite.module("jobreporter_frail", module + "\n")
    lite.install("jobreporter-frail", "1.0", "frail", "jobreporter_frail:attach", group=SOURCES)
    (lite.folder / "shop.py").write_text(
        "from litelibrary import Queue\nfrom jobreporter_lite import attach\nqueue = Queue()\nattach(queue)\n"
    )
    assert app(lite, "shop")["attached"]
    (lite.folder / "shop.py").write_text("app = 3\n")
    assert app(lite)["source"] is None


def test_a_source_without_a_library_is_known_by_its_name(lite: CommandLine) -> None:
    """And by the line that its module has for it."""
    lite.module(
        "jobreporter_plain", "ATTACHED_BY = 'watch(loop)'\ndef watch(x): ...\ndef is_attached(app): return False\n"
    )
    lite.install("jobreporter-plain", "1.0", "plain", "jobreporter_plain:watch", group=SOURCES)
    (lite.folder / "shop.py").write_text("app = 3\n")
    told = (
        "it is an app of plain, and nothing reports its jobs: switch it on with `watch(loop)` (jobreporter_plain:watch)"
    )
    assert app(lite)["detail"] == told


def test_people_are_told_too(project: CommandLine) -> None:
    """Beside the reporters, which work."""
    (project.folder / "shop.py").write_text("print('imported')\n" + APPS["celery"][0])
    done = project.run("check", "--app", "shop:app")
    assert done.returncode == 1
    summary, told, *_ = done.stdout.splitlines()
    assert summary.startswith("wrong: it is a Celery app, and nothing reports its jobs: ")
    assert told.startswith("app shop:app: it is a Celery app, and nothing")
    assert "imported" in done.stderr
