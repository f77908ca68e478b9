"""On which line of a file each key stands."""

from __future__ import annotations

import time
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jobreporter._config.lines import Lines

TEXT = """\ufeff# a comment
[context]
service = "shop"   # another

environment = { env = "APP_ENV", required = true }
[ reporters . "my log" ]
lane.timeout = 5
tags = [
  "a",  # [not.a.table]
  "b",
]
text = '''
[reporters.not_one]
key = 1
'''
[[reporters.x.rules]]
name = "first"
[[reporters.x.rules]]
name = "second"
[reporters.x.rules.inner]
deep = 1
[reporters.x]
last = 1
"""


def test_each_key_has_its_line() -> None:
    """In tables, dotted and quoted keys, inline tables, lists, and behind text of several lines."""
    lines = Lines(TEXT.replace("\n", "\r\n"))
    for path, line in {
        ("context",): 2,
        ("context", "service"): 3,
        ("context", "environment"): 5,
        ("context", "environment", "required"): 5,
        ("reporters",): 6,
        ("reporters", "my log"): 6,
        ("reporters", "my log", "lane", "timeout"): 7,
        ("reporters", "my log", "tags"): 8,
        ("reporters", "my log", "tags", 1): 8,
        ("reporters", "my log", "text"): 12,
        ("reporters", "x", "rules", 0, "name"): 17,
        ("reporters", "x", "rules", 1): 18,
        ("reporters", "x", "rules", 1, "name"): 19,
        ("reporters", "x", "rules", 1, "inner", "deep"): 21,
        ("reporters", "x", "last"): 23,
    }.items():
        assert lines.of(path) == line, path


def test_what_is_not_there_has_the_line_of_its_table() -> None:
    """A key that is missing is told where it should be."""
    lines = Lines(TEXT)
    assert lines.of(("context", "release")) == 2
    assert lines.of(("reporters", "my log", "lane", "capacity")) == 7
    assert lines.of(("dispatcher", "exit_timeout")) is None
    assert lines.of(()) is None


def test_a_file_that_is_hard_to_read_costs_no_time() -> None:
    """Text of very many lines ends the search; what stands before it is found."""
    lines = Lines("a = 1\nb = [\n" + "1,\n" * 50_000 + "]\nc = 1\n")
    begin = time.thread_time()
    assert (lines.of(("a",)), lines.of(("b",)), lines.of(("c",))) == (1, None, None)
    assert time.thread_time() - begin < 3, "seconds of this thread alone"


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.integers() | st.lists(st.integers()), max_size=8)
)
def test_every_key_that_the_parser_finds_has_the_line_that_names_it(table: dict[str, Any]) -> None:
    """Whatever stands between."""
    text = "".join(f"\n# {key}\n{key} = {value}\n" for key, value in table.items())
    assert tomllib.loads(text) == table
    lines = Lines(text)
    for key in table:
        line = lines.of((key,))
        assert line is not None
        assert text.split("\n")[line - 1].startswith(f"{key} =")
