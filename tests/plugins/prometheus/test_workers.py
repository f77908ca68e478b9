"""One address that always answers: the README's first example with real workers whose processes come and go."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobreporter_prometheus import PrometheusOptions
from tests.ports import free_port

from .helping import answers, number, page, running, server, started, until
from .processes import Process

README = (Path(__file__).parents[3] / "plugins/prometheus/README.md").read_text()
FINISHED = "jobreporter_jobs_finished_total"

CELERY = """
import os
from celery import Celery
from jobreporter.sources.celery import attach

app = Celery("shop", broker=os.environ["REDIS_URL"])
attach(app)

@app.task
def receipt(address):
    if address == "die":
        os._exit(1)
"""

RQ = """
import os
from redis import Redis
from jobreporter.sources.rq import Queue

queue = Queue("shop", connection=Redis.from_url(os.environ["REDIS_URL"]))

def receipt(address):
    if address == "die":
        os._exit(1)

def enqueue(address):
    queue.enqueue(receipt, address)
"""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis."""
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    program = server("redis-server", "redis-server")
    options = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "")

    def ready() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            return False
        return True

    with running(program, *options, log=folder / "log", ready=ready):
        yield f"redis://127.0.0.1:{port}"


class Shop:
    """A folder with an application, and the README's first example as its config."""

    def __init__(self, folder: Path, application: str, redis: str, database: int) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "REDIS_URL": f"{redis}/{database}"}
        [config, *_] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
        assert "port = 9790" in config
        (folder / "shop.py").write_text(application)
        (folder / "jobreporter.toml").write_text(config.replace("port = 9790", f"port = {self.port}"))
        [found] = re.findall(r'^directory = "(.*?)"', config, re.MULTILINE)
        self.directory = folder / found

    def python(self, *words: str) -> None:
        """Run Python in it, and wait for its end."""
        subprocess.run([sys.executable, *words], cwd=self.folder, env=self._env, check=True)

    @contextmanager
    def worker(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker, or what else is to run beside the test."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen([sys.executable, *words], cwd=self.folder, env=self._env, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()

    def answers(self) -> bool:
        """Whether the page can be had."""
        return answers(self.url)

    def finished(self, outcome: str) -> float:
        """How many executions ended so, by the page."""
        return number(page(self.port), FINISHED, outcome=outcome) or 0


@pytest.fixture(params=["prefork", "threads", "solo"])
def celery(request: pytest.FixtureRequest, tmp_path: Path, redis: str) -> Iterator[Shop]:
    """Celery's worker with this pool, and nothing else."""
    shop = Shop(tmp_path, CELERY, redis, 0)
    words = (
        "-m",
        "celery",
        "-A",
        "shop",
        "worker",
        "-c",
        "2",
        "-P",
        request.param,
        "--without-gossip",
        "--without-mingle",
    )
    with shop.worker(*words):
        until(shop.answers, "the page")
        yield shop


def test_the_first_example_works_with_celery(celery: Shop) -> None:
    """Also with its usual pool, whose children run the jobs: all are at the one address, and it is there before any job."""
    celery.python("-c", "import shop; [shop.receipt.delay(str(each)) for each in range(10)]")
    until(lambda: celery.finished("success") == 10, "the jobs")
    assert number(page(celery.port), "jobreporter_jobs_running") == 0


@pytest.mark.parametrize("celery", ["prefork"], indirect=True)
def test_a_child_that_dies_takes_no_figures_with_it(celery: Shop) -> None:
    """Celery's children may die and be replaced, the one that serves included: counters go on, and the page comes back."""
    celery.python("-c", "import shop; [shop.receipt.delay(str(each)) for each in range(4)]")
    until(lambda: celery.finished("success") == 4, "the jobs")
    celery.python("-c", "import shop; shop.receipt.delay('die')")
    until(lambda: celery.answers() and celery.finished("failure") == 1, "the loss")
    assert celery.finished("success") == 4


def test_rq_has_an_address_between_its_jobs(tmp_path: Path, redis: str) -> None:
    """Its work horses live for a job each: the process that serves answers before, between and after them, all of it."""
    shop = Shop(tmp_path, RQ, redis, 1)
    [command] = re.findall(r"^python (-m jobreporter_prometheus serve)$", README, re.MULTILINE)
    with shop.worker(*command.split()) as served:
        until(shop.answers, "the page")
        with shop.worker(
            "-m", "rq.cli", "worker", "-w", "jobreporter.sources.rq.Worker", "-u", shop._env["REDIS_URL"], "shop"
        ):
            for turn in range(1, 6):
                shop.python("-c", f"import shop; shop.enqueue('{turn}')")
                # Every answer counts: none may fail.
                until(lambda turn=turn: shop.finished("success") == turn, "the job")
            shop.python("-c", "import shop; shop.enqueue('die')")
            until(lambda: shop.finished("failure") == 1, "the lost horse")
        assert shop.finished("success") == 5
        assert number(page(shop.port), "jobreporter_jobs_running") == 0
        served.send_signal(signal.SIGTERM)
        assert served.wait() == 0


def test_who_serves_waits_for_its_turn(tmp_path: Path) -> None:
    """Where a worker serves already, the command waits, and goes on when that one ends; then workers leave it to it."""
    options = PrometheusOptions(mode="multiprocess", directory=str(tmp_path), port=free_port())
    url = f"http://127.0.0.1:{options.port}"
    words = ("serve", "--directory", str(tmp_path), "--port", str(options.port))
    with started(options) as first, serve(tmp_path, *words) as hear:
        assert f"are served at port {options.port} of 127.0.0.1, by another process for now" in hear()
        first.reporter_stop()
        until(lambda: answers(url), "the takeover")
        process = Process(tmp_path)
        process.finish()
        process.member.leave()
        with started(options):
            assert number(page(options.port or 0), FINISHED, outcome="success") == 1
        assert answers(url)


@contextmanager
def serve(folder: Path, *words: str, expected: int = 0) -> Iterator[Callable[[], str]]:
    """The command; what it says next."""
    command = [sys.executable, "-m", "jobreporter_prometheus", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline
        finally:
            if not expected:
                process.send_signal(signal.SIGINT)
            assert process.wait() == expected


def test_a_port_of_another_program_is_named(tmp_path: Path) -> None:
    """The command ends with a sentence, as there is nothing that it could wait for."""
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = str(foreign.getsockname()[1])
        with serve(tmp_path, "serve", "--directory", str(tmp_path), "--port", port, expected=1) as hear:
            assert f"port {port} of 127.0.0.1 is in use by another program: take another one" in hear()


def test_the_page_has_the_buckets_of_the_workers(tmp_path: Path) -> None:
    """Without a config of its own, the command shows what is there as the workers have it, also when they have ended."""
    port = free_port()
    process = Process(tmp_path, duration_buckets=(0.5, 7.0))
    process.finish(duration=0.2)
    process.member.write()
    with serve(tmp_path, "serve", "--directory", str(tmp_path), "--port", str(port)):
        until(lambda: answers(f"http://127.0.0.1:{port}"), "the page")
        for _ in range(2):
            text = page(port)
            assert set(re.findall(r'duration_seconds_bucket\{.*?le="(.*?)"', text)) == {"0.5", "7.0", "+Inf"}
            process.member.leave()
    assert Process(tmp_path, duration_buckets=(0.5, 7.0)).member.read().histograms


def test_the_token_is_in_a_file(tmp_path: Path) -> None:
    """A secret is no word of a command line, which every user of the machine can read."""
    port = free_port()
    (tmp_path / "token").write_text("c4nary\n")
    words = ("serve", "--directory", str(tmp_path / "shared"), "--port", str(port), "--token-file", "token")
    with serve(tmp_path, *words) as hear:
        assert "are served" in hear()
        assert not answers(f"http://127.0.0.1:{port}")
        until(lambda: "jobreporter" in shown(port, "Bearer c4nary"), "the page")
    for name, content in (("empty", ""), ("missing", None)):
        if content is not None:
            (tmp_path / name).write_text(content)
        with serve(tmp_path, *words[:-1], name, expected=1) as hear:
            assert "the token can't be read" in hear()


def shown(port: int, authorization: str) -> str:
    """What a client gets that shows this."""
    from .helping import get

    return get(f"http://127.0.0.1:{port}/", Authorization=authorization)


def test_what_the_config_says_may_be_said_otherwise(tmp_path: Path) -> None:
    """Host, port, names and token are the config's, but for those that the command line has."""
    port = free_port()
    (tmp_path / "shop.toml").write_text(
        '[reporters.metrics]\nuse = "prometheus"\nmode = "multiprocess"\ndirectory = "shared"\nport = 1\ntoken = "c4nary"\n'
    )
    words = ("serve", "--config", "shop.toml", "--reporter", "metrics", "--port", str(port))
    with serve(tmp_path, *words) as hear:
        assert "are served" in hear()
        assert "jobreporter_build_info" in shown(port, "Bearer c4nary")
        assert not answers(f"http://127.0.0.1:{port}")


CONFIGS = {
    "no config": (None, "there is no [reporters.prometheus], since there is no config"),
    "no table": ("[reporters.log]\n", "there is no [reporters.prometheus]"),
    "another mode": ('[reporters.prometheus]\nmode = "http"\n', "has mode = 'http', which leaves nothing to serve"),
    "a mistake": ("[reporters.prometheus]\nprot = 1\n", "Did you mean 'port'?"),
}


@pytest.mark.parametrize(("config", "sentence"), CONFIGS.values(), ids=CONFIGS)
def test_a_config_without_a_page_is_told(config: str | None, sentence: str, tmp_path: Path) -> None:
    """The command ends with a sentence, and serves nothing that nobody meant."""
    if config is not None:
        (tmp_path / "jobreporter.toml").write_text(config)
    with serve(tmp_path, "serve", expected=1) as hear:
        assert sentence in hear()


@pytest.mark.parametrize("words", [["--port", "65536"], ["--port", "x"], ["--port", "-1"]])
def test_wrong_words_get_the_right_ones(words: list[str], tmp_path: Path) -> None:
    """A usage error says what is expected, and is no start."""
    command = [sys.executable, "-m", "jobreporter_prometheus", "serve", *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ)
    assert ran.returncode == 2
    assert "--port" in ran.stderr
    assert list(tmp_path.iterdir()) == []
