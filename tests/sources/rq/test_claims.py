"""An execution ends once, though more than one process may know of its end, wherever RQ's keys are and whatever they may touch."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import rq
import rq_app
from conftest import MakeBench, NewQueue
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from reported import times_logged, use_config
from rq import Retry
from rq.job import Job, JobStatus
from rq_bench import Bench, fail, recorded
from scenarios import CUT_OFF, SHUT_DOWN, SUCCEEDED
from workers import CONFIG, wait_for

from jobreporter import Execution, Failure
from jobreporter.sources.rq import Worker

#: All of RQ's own keys, and no others.
RQS_KEYS = """
    rq:queue* rq:job:* rq:wip:* rq:execution* rq:worker* rq:finished:* rq:failed:* rq:deferred:* rq:scheduled:*
    rq:canceled:* rq:ready:* rq:results:* rq:clean_* rq:suspended rq:group* rq:scheduler* rq:rl* rq:registry:*
""".split()


#: Ways to read and write hashes and values that RQ has no use for.
OTHER_COMMANDS = "hmget hmset hsetnx hexists hkeys hvals hlen hscan mget mset msetnx setnx setex psetex getset".split()


def limited_to(connection: Redis, *patterns: str, without: Sequence[str] = ()) -> str:
    """The URL of the same database, for a user who may touch these keys alone, and has none of these commands."""
    options = connection.connection_pool.connection_kwargs
    name = f"user-{options['db']}"
    keys = [word for pattern in patterns for word in (f"~{pattern}", f"&{pattern}")]
    commands = ["+@all", *(f"-{command}" for command in without)]
    connection.execute_command("ACL", "SETUSER", name, "reset", "on", ">secret", *commands, "&rq:pubsub:*", *keys)
    return f"redis://{name}:secret@{options['host']}:{options['port']}/{options['db']}"


@pytest.fixture
def limited(connection: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Jobs run in horses, forked from this process, whose Redis refuses all keys but RQ's."""
    use_config(tmp_path, monkeypatch, CONFIG)
    with Redis.from_url(limited_to(connection, *RQS_KEYS)) as redis:
        yield Bench(redis, Worker(["desk"], connection=redis), lambda: recorded(tmp_path))


def shut_down_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker be asked twice to end, which kills its horse and leaves the job as started."""

    def shut_down(worker: Worker) -> Any:
        os.kill(worker.horse_pid, signal.SIGKILL)
        os.waitpid(worker.horse_pid, 0)
        raise SystemExit

    monkeypatch.setattr(rq.Worker, "wait_for_horse", shut_down)


def test_a_prefix_of_ones_own_holds_for_all_keys(
    make_bench: MakeBench, new_queue: NewQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real workers whose user may touch nothing but ``myapp:*``: a job that was shut down is not abandoned as well."""
    admin = Redis.from_url(new_queue(rq_app.Source(), tmp_path))
    monkeypatch.setenv("RQ_KEY_PREFIX", "myapp")
    bench = make_bench(rq_app.Source(), "fork")
    bench.queue = limited_to(admin, "myapp:*")
    bench.send("success", "hold")
    bench.start()
    bench.wait_for_start("hold")
    bench.end(abruptly=True)
    bench.wait()
    assert bench.executions("hold") == [SHUT_DOWN]

    for entry in admin.zrange("myapp:wip:bench", 0, -1):
        admin.zadd("myapp:wip:bench", {entry: 1})  # no sign of life for long
    bench.start()
    wait_for(lambda: admin.hget("myapp:job:hold", "status") == b"failed", "RQ found it", bench.what_the_worker_said)
    bench.send("exception")
    bench.wait_for_stops({"exception": 1})
    bench.stop()

    assert bench.executions("hold") == [SHUT_DOWN]
    assert bench.executions("success") == [SUCCEEDED]
    assert {key.split(b":")[0] for key in admin.scan_iter()} == {b"myapp"}
    assert "Redis does not let" not in bench.what_the_worker_said()
    admin.close()


def test_keys_that_an_application_has_renamed_itself(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As was done before RQ had a setting for it: what is kept in mind is kept beside the job."""
    monkeypatch.setattr(Job, "redis_job_namespace_prefix", "shop:job:")
    stable.enqueue(lambda: os._exit(0))
    stable.work()
    stable.look_after_the_queue()

    assert len(list(stable.connection.scan_iter("shop:jobreporter:*"))) == 1
    assert list(stable.connection.scan_iter("rq:jobreporter:*")) == []


def test_a_refusal_is_told_and_no_end_is_told_twice(
    limited: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever has seen a job end tells it; who only finds it later can't know whether that was done, and says so once."""
    with monkeypatch.context() as context:
        shut_down_while_it_runs(context)
        for _ in range(2):
            limited.enqueue(signal.pause)
            with pytest.raises(SystemExit):
                limited.work()
    limited.look_after_the_queue()

    assert [line for line in limited.story if line != "started"] == [*SHUT_DOWN[1:], *SHUT_DOWN[1:]]
    assert times_logged(caplog, "Redis does not let this worker keep in mind which jobs' ends were told") == 1
    assert "SET rq:jobreporter:*" in caplog.text
    assert "can't access one of the keys" in caplog.text or "permissions to access" in caplog.text


def test_a_full_redis_refuses_too(
    stable: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever its reason, an execution is told once, and the log says why another may not be."""
    with monkeypatch.context() as context:
        shut_down_while_it_runs(context)
        stable.enqueue(signal.pause)
        claim = stable.worker._claims.first

        def when_full(*args: Any, **kwargs: Any) -> bool:
            stable.connection.config_set("maxmemory", 1)
            try:
                return bool(claim(*args, **kwargs))
            finally:
                stable.connection.config_set("maxmemory", 0)

        monkeypatch.setattr(stable.worker._claims, "first", when_full)
        with pytest.raises(SystemExit):
            stable.work()
    stable.look_after_the_queue()

    assert [line for line in stable.story if line != "started"] == list(SHUT_DOWN[1:])
    assert times_logged(caplog, "maxmemory") == 1


# What RQ could not save


def test_a_failure_that_redis_does_not_take_may_be_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """RQ logs that, and goes on; the job stays as started until it is found abandoned, so nobody knows."""
    pipeline = Redis.pipeline
    for retry in (Retry(max=1), Retry(max=1, interval=60), None):

        def break_redis() -> None:
            monkeypatch.setattr(Redis, "pipeline", broken)
            raise RuntimeError("the job's")

        def broken(self: Redis, *args: Any, **kwargs: Any) -> Any:
            made = pipeline(self, *args, **kwargs)
            made.execute = refuse  # type: ignore[method-assign] - it stands for a server that went away
            return made

        job = bench.enqueue(break_redis, retry=retry)
        taken = rq.Queue.dequeue_any([bench.queue], None, connection=bench.connection)
        assert taken is not None
        bench.worker.execute_job(*taken)
        monkeypatch.setattr(Redis, "pipeline", pipeline)
        # What RQ does write is the status of one that would be tried again later.
        assert job.get_status() in (JobStatus.STARTED, JobStatus.SCHEDULED)

    failures = [event for event in bench.events if type(event).__name__ == "Failure"]
    assert [event.will_retry for event in failures] == [None, None, None]
    assert {event.error.message for event in failures} == {"the job's"}


def refuse(*_args: object, **_kwargs: object) -> None:
    raise RedisConnectionError("the server went away")


def test_redis_is_asked_in_no_other_words_than_rqs(
    connection: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its user may be limited to RQ's commands: what becomes of a job is known for one that fails, and for one that is killed."""
    use_config(tmp_path, monkeypatch, CONFIG)
    url = limited_to(connection, "*", without=OTHER_COMMANDS)
    with Redis.from_url(url) as redis:
        bench = Bench(redis, Worker(["desk"], connection=redis), lambda: recorded(tmp_path))
        bench.enqueue(fail(RuntimeError()), retry=Retry(max=1))
        bench.enqueue(lambda: os.kill(os.getpid(), signal.SIGKILL))
        bench.work()

    failures = [event for event in bench.events if isinstance(event, Failure)]
    assert sorted((event.kind, event.will_retry) for event in failures) == [
        ("exception", False),
        ("exception", True),
        ("worker_lost", False),
    ]


def test_a_failure_that_is_kept_for_no_time_is_final(bench: Bench) -> None:
    """RQ deletes the job with it."""

    def work() -> None:
        raise RuntimeError

    job = bench.enqueue(work, failure_ttl=0)
    bench.work()

    assert not Job.exists(job.id, bench.connection)
    assert [event.will_retry for event in bench.events if type(event).__name__ == "Failure"] == [False]


def test_a_worker_without_rqs_own_handler_saves_failures_as_well(bench: Bench) -> None:
    """Nothing but the status; it is final all the same."""
    bench.worker.disable_default_exception_handler = True

    def work() -> None:
        raise RuntimeError

    bench.enqueue(work)
    bench.work()

    assert [event.will_retry for event in bench.events if type(event).__name__ == "Failure"] == [False]


def test_a_horse_without_its_worker_asks_by_the_same_key(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever RQ's keys are."""
    monkeypatch.setattr(Job, "redis_job_namespace_prefix", "shop:job:")
    stable.worker.pid = 1  # not the parent of the horse

    def work() -> None:
        execution = Execution.current()
        assert execution is not None
        stable.connection.set(f"shop:jobreporter:{execution.job.execution_id}", 1)

    stable.enqueue(work)
    stable.work()

    assert stable.story == list(CUT_OFF)
