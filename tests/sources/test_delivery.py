"""Names that tell the deliveries of one message apart."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobreporter.sourcekit import _delivery as delivery
from jobreporter.sourcekit import new_delivery


def test_names_differ_on_many_threads() -> None:
    """Eight threads that make names at once never make the same."""
    with ThreadPoolExecutor(8) as threads:
        names = [
            name for names in threads.map(lambda _: [new_delivery() for _ in range(5_000)], range(8)) for name in names
        ]
    assert len(set(names)) == len(names)


def test_a_forked_child_makes_names_of_its_own() -> None:
    """Parent and child would both count on from the same number."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, new_delivery().encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 100).decode() != new_delivery()
    os.close(reader)
    os.close(writer)


def test_names_keep_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after the last number that fits."""
    monkeypatch.setattr(delivery, "_numbers", iter([0, 16**8 - 1, 16**8 + 1]))
    assert [new_delivery() for _ in range(3)] == ["00000000", "ffffffff", "00000001"]
