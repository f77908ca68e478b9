"""Each failure of a job of arq's is reported once, whoever it is that reports it."""

from __future__ import annotations

import pytest

from tests.plugins.sentry.fake_sentry import Kent
from tests.plugins.sentry.test_one_report import COLUMNS, check_reports, redis
from tests.redis_servers import Server

__all__ = ["redis"]  # the fixture


@pytest.mark.parametrize("own", [False, True], ids=["the program's client", "a dsn of its own"])
@pytest.mark.parametrize("column", COLUMNS)
def test_who_reports_and_how_often(kent: Kent, redis: Server, column: str, *, own: bool) -> None:
    """As the README's table has it."""
    check_reports(kent, redis, "arq", column, own=own)
