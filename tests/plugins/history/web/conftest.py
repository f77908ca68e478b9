"""The page of a history with something of everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from jobreporter_history.store import Store
from jobreporter_history.web import create_app


@pytest.fixture(scope="session")
def page(store: Store) -> Iterator[TestClient]:
    """Its page."""
    with TestClient(create_app(store), follow_redirects=False) as client:
        yield client
