"""What the tests of the notifier share: a history with a keeper, and people who are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.plugins.history.conftest import Run, make_url, postgresql, read, run, sqlite_url, url

from .desk import Desk
from .services import Services

__all__ = ["make_url", "postgresql", "read", "run", "sqlite_url", "url"]

MakeDesk = Callable[..., Desk]


@pytest.fixture
def services() -> Iterator[Services]:
    """The services, on loopback."""
    with Services() as found:
        yield found


@pytest.fixture
def desk(url: str, run: Run, services: Services) -> Iterator[Desk]:
    """A history, its keeper, and a notifier that tells `services`, with a clock that tests move. On both databases."""
    found = Desk(run(url), {"hook": f"json://{services.address}/hook"})
    yield found
    found.close()


@pytest.fixture
def make_desk(sqlite_url: str, run: Run) -> Iterator[MakeDesk]:
    """Makes notifiers with other options, in SQLite."""
    running = run(sqlite_url)
    desks: list[Desk] = []

    def make(to: dict[str, str], **options: object) -> Desk:
        desks.append(Desk(running, to, **options))
        return desks[-1]

    yield make
    for each in desks:
        each.close()
