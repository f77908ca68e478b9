"""The fixtures that Dramatiq's tests ask for, and its sdist lacks. There is no RabbitMQ and no memcached here."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import dramatiq
from dramatiq import Broker, Worker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.rate_limits import backends as limits
from dramatiq.results import backends as results

from .common import worker


def in_use(broker: Broker) -> Iterator[Any]:
    """The broker is the default one of a process that has booted."""
    before = dramatiq.broker.global_broker
    broker.emit_after("process_boot")
    dramatiq.set_broker(broker)
    try:
        yield broker
    finally:
        broker.flush_all()
        broker.close()
        dramatiq.broker.global_broker = before


@pytest.fixture
def stub_broker() -> Iterator[Any]:
    yield from in_use(StubBroker())


@pytest.fixture
def redis_broker() -> Iterator[Any]:
    broker = RedisBroker()
    broker.client.flushall()
    yield from in_use(broker)


@pytest.fixture
def rabbitmq_broker() -> None:
    pytest.skip("there is no RabbitMQ")


@pytest.fixture
def rabbitmq_worker(rabbitmq_broker: None) -> None:
    """Never gets here."""


@pytest.fixture
def stub_worker(stub_broker: Broker) -> Iterator[Worker]:
    with worker(stub_broker, worker_timeout=100, worker_threads=32) as one:
        yield one


@pytest.fixture
def redis_worker(redis_broker: Broker) -> Iterator[Worker]:
    with worker(redis_broker, worker_threads=32) as one:
        yield one


@pytest.fixture
def redis_result_backend() -> Any:
    backend = results.RedisBackend()
    backend.client.flushall()
    return backend


@pytest.fixture(params=["redis", "stub"])
def result_backend(request: pytest.FixtureRequest) -> Any:
    if request.param == "redis":
        return request.getfixturevalue("redis_result_backend")
    return results.StubBackend()


@pytest.fixture(params=["redis", "stub"])
def rate_limiter_backend(request: pytest.FixtureRequest) -> Any:
    if request.param == "stub":
        return limits.StubBackend()
    backend = limits.RedisBackend()
    backend.client.flushall()
    return backend


@pytest.fixture
def start_cli() -> Iterator[Callable[..., Any]]:
    """Starts Dramatiq's command with a broker; what was started ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(broker: str, *, extra_args: Any = (), **options: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dramatiq", broker, *extra_args]
        started.append(subprocess.Popen(command, **options))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait()
