"""The page on redaction shows what is really redacted."""

from __future__ import annotations

import pytest

from jobreporter import Dispatcher, Failure
from jobreporter.testing import Recorder

from .documents import PATIENCE, ROOT, blocks, code_words, rows

PAGE = ROOT / "docs/redaction.md"
EXAMPLES = [(code_words(written)[0], code_words(told)[0]) for written, told in rows(PAGE, "written")]


def reported(message: str, **config: object) -> str:
    """What a reporter gets to see of an error's message."""
    recorder = Recorder()
    with Dispatcher({"recorder": recorder}, config=config) as dispatcher:
        execution = dispatcher.begin("a")
        execution.fail(ValueError(message))
        execution.stop()
        assert dispatcher.flush(PATIENCE)
    (failure,) = [event for event in recorder.events if isinstance(event, Failure)]
    return failure.error.message


@pytest.mark.parametrize(("written", "told"), EXAMPLES)
def test_each_example_is_told_as_the_page_says(written: str, told: str) -> None:
    """Alone, and in the middle of other words."""
    assert reported(written) == told
    assert reported(f"could not go on: {written}").endswith(told)


def test_the_page_has_an_example_for_most_ways() -> None:
    """A table that has become empty would test nothing."""
    assert len(EXAMPLES) > 10


def test_the_pages_patterns_work() -> None:
    """The names and expressions in the example are found as it says."""
    import tomllib

    (block,) = blocks(PAGE, "toml")
    config = tomllib.loads(block.text)
    told = reported("EMP-123456 has badge A7B7, customerIBAN=DE00 1234", **config)
    assert told == "[redacted] has badge [redacted], customerIBAN=[redacted] 1234"
