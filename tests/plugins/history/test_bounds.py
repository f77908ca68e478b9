"""How long a row may be: in bytes, whatever its letters are."""

from __future__ import annotations

from contextlib import closing

import pytest

from jobreporter import Failure, Started
from jobreporter.testing import make_error
from jobreporter_history._open import open_database
from jobreporter_history._rows.bounds import cut_to_bytes, size
from jobreporter_history._rows.events import Shape

from .conftest import Read
from .executions import NOW, new_job, write

LETTERS = {"one byte": "a", "two bytes": "ß", "three bytes": "漢", "four bytes": "🚀", "as escapes": "\x01"}


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
@pytest.mark.parametrize("limit", [500, 4_000, 16_000])
def test_a_row_has_no_more_bytes_than_it_may(letter: str, limit: int, url: str, read: Read) -> None:
    """Arguments, tags and messages that are just too long, or far too long, of letters of one byte and of several."""
    running, jobs = new_job(args=(letter * limit,)), []
    write(url, [Started(job=running, at=NOW)], shape=Shape(max_row_bytes=limit))
    for factor in (0.2, 0.4, 0.9, 30):
        text = letter * int(factor * limit)
        jobs.append(new_job(args=(text, [text]), kwargs={text[:100]: text}))
        error = make_error("shop.errors.Declined", text)
        event = Failure(job=jobs[-1], at=NOW, error=error, tags={"customer": text}, duration=1.0)
        write(url, [event], shape=Shape(max_row_bytes=limit))
    with closing(open_database(url)) as database, database.reading() as connection:
        rows = connection.rows("SELECT data, message FROM bad_202311")
        rows += [(data, "") for (data,) in connection.rows("SELECT data FROM live")]
    assert len(rows) == 5
    assert max(size(data) + size(message) for data, message in rows) <= limit
    store = read(url)
    for job in jobs:
        found = store.execution(job.execution_id)
        assert found is not None
        assert found.execution.message


def test_a_text_is_cut_between_two_letters() -> None:
    """And never within one."""
    for letter in LETTERS.values():
        for limit in range(4, 20):
            cut = cut_to_bytes(letter * 30, limit)
            assert size(cut) <= limit
            assert cut.rstrip(".").strip(letter) == ""
    assert cut_to_bytes("ßß", 4) == "ßß"
