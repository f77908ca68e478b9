"""What Dramatiq's tests import from beside them, and its sdist lacks."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pika.credentials import PlainCredentials

from dramatiq import Worker

#: There is no RabbitMQ here: its tests are skipped where they ask for a broker.
RABBITMQ_USERNAME = RABBITMQ_PASSWORD = "guest"  # noqa: S105 - what RabbitMQ comes with
RABBITMQ_CREDENTIALS = PlainCredentials(RABBITMQ_USERNAME, RABBITMQ_PASSWORD)

skip_unless_rabbit_mq = pytest.mark.skip(reason="there is no RabbitMQ")

skip_in_ci = pytest.mark.skipif("CI" in os.environ, reason="not in CI")
skip_on_windows = pytest.mark.skipif(sys.platform == "win32", reason="not on Windows")
skip_on_pypy = pytest.mark.skipif(platform.python_implementation() == "PyPy", reason="not on PyPy")


@contextmanager
def worker(*args: Any, **options: Any) -> Iterator[Worker]:
    """A worker that works until the block ends."""
    one = Worker(*args, **options)
    one.start()
    try:
        yield one
    finally:
        one.stop()
