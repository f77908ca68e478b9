"""Options with units: `Duration` and `Size` in a config and in a plugin's options."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Annotated, Any, Literal

import msgspec
import pytest

from jobreporter import BrokenReporter, ConfigError, Duration, Options, Size
from jobreporter._config.parse import parse
from jobreporter._config.places import Place
from jobreporter._config.plugin_options import check_options, resolve_options
from jobreporter._config.records import ReporterConfig


class Archive(Options):
    """Options with units in every place that a type has."""

    timeout: Duration = 10.0
    keep: Duration = "7d"  # type: ignore[assignment]  # a type checker sees a float; the class reads the text
    max_bytes: Size = 1000
    grace: Duration | None = None
    pause: Duration | Literal["never"] = "never"
    steps: list[Duration] = msgspec.field(default_factory=list)
    quotas: dict[str, Size] = msgspec.field(default_factory=dict)
    linger: Annotated[Duration, msgspec.Meta(gt=0, le=3600)] = 1.0


def archive(values: dict[str, Any]) -> ReporterConfig:
    return parse({"reporters": {"archive": values}}, Place("test.toml")).checked().reporters[0]


def options(**values: Any) -> Archive:
    reporter = archive(values)
    assert check_options(Archive, reporter) == []
    resolved = resolve_options(Archive, reporter, environ={"KEEP": "2w", "ROOM": " 5MB\n", "BARE": "90", "BAD": "soon"})
    assert isinstance(resolved, Archive)
    return resolved


def fault(**values: Any) -> str:
    reporter = archive(values)
    (found,) = check_options(Archive, reporter)
    return str(found)


def test_numbers_count_seconds_and_bytes() -> None:
    """What a config could say before, it can say still."""
    filled = options(timeout=3, keep=2.5, max_bytes=64)
    assert (filled.timeout, filled.keep, filled.max_bytes) == (3.0, 2.5, 64)
    assert isinstance(filled.timeout, float)


def test_text_has_units_wherever_the_type_stands() -> None:
    """In a union, a list and a table too."""
    filled = options(
        timeout="1m 30s",
        max_bytes="64MiB",
        grace="250ms",
        pause="5m",
        steps=["1s", 2, "3m"],
        quotas={"a": "1KB", "b": 7},
        linger="1h",
    )
    assert filled == Archive(
        timeout=90.0,
        max_bytes=64 * 1024**2,
        grace=0.25,
        pause=300.0,
        steps=[1.0, 2.0, 180.0],
        quotas={"a": 1000, "b": 7},
        linger=3600.0,
    )


def test_text_that_is_allowed_beside_a_duration_stays_text() -> None:
    """A literal in a union is itself."""
    assert options(pause="never").pause == "never"


def test_a_default_may_be_text() -> None:
    """The options class turns it into the number, whoever makes an instance."""
    assert Archive().keep == 604_800.0
    assert options().keep == 604_800.0


def test_a_default_may_be_text_where_annotations_are_objects() -> None:
    """A module without `from __future__ import annotations` has types there, and no text."""
    module = ModuleType("plain_annotations")
    sys.modules["plain_annotations"] = module
    try:
        exec(
            "from jobreporter import Duration, Options, Size\n"
            "class Kept(Options):\n    keep: Duration | None = '1h'\n    room: Size = '2KiB'\n    name: str = '1h'\n",
            module.__dict__,
        )
    finally:
        del sys.modules["plain_annotations"]
    kept = module.Kept()
    assert (kept.keep, kept.room, kept.name) == (3600.0, 2048, "1h")


def test_a_default_that_is_no_duration_is_refused() -> None:
    """The plugin's author is told when the class is made."""
    with pytest.raises(ValueError, match=r"expected a duration such as '1h 30m' .* found '7 days'"):

        class Wrong(Options):
            keep: Duration = "7 days"  # type: ignore[assignment]  # the point of the test


@pytest.mark.parametrize("value", ["soon", "5 M", "10", "-1s", "1h 1h"])
def test_an_error_names_the_units_and_never_the_value(value: str) -> None:
    """An option may be a secret in the wrong place. A bare number in quotes is as wrong as for any other number."""
    told = fault(timeout=value)
    assert told == (
        "test.toml, [reporters.archive]: option 'timeout': expected a duration, such as '1h 30m' "
        "(units ms, s, m, h, d and w; a bare number is seconds), found other text"
    )


@pytest.mark.parametrize("value", [-1, -0.5, float("inf"), float("nan")])
def test_what_no_duration_can_be_is_refused(value: float) -> None:
    """A duration is finite, and not below 0, without bounds of its own as well."""
    assert "option 'timeout': expected a duration, such as '1h 30m'" in fault(timeout=value)


def test_bounds_are_told_in_units() -> None:
    """So are those that the options class adds."""
    assert "option 'linger': expected a duration above 0s and up to 1h, such as" in fault(linger="2h")
    assert "option 'max_bytes': expected a size, such as '64MiB' (units B, KB, KiB" in fault(max_bytes=-1)


def test_a_part_of_a_byte_is_no_size() -> None:
    """Text that stands for one is refused like a number with a fraction."""
    assert "option 'max_bytes': expected a size" in fault(max_bytes="0.5B")
    assert "option 'max_bytes': expected a size" in fault(max_bytes=0.5)


def test_references_have_units_too() -> None:
    """There a bare number is text as well, since a variable has nothing else."""
    filled = options(keep={"env": "KEEP"}, max_bytes={"env": "ROOM"}, timeout={"env": "BARE"})
    assert (filled.keep, filled.max_bytes, filled.timeout) == (1_209_600.0, 5_000_000, 90.0)


def test_a_reference_that_holds_no_duration_breaks_the_reporter() -> None:
    """The message names the units, and not what the variable holds."""
    with pytest.raises(BrokenReporter, match="environment variable BAD to hold a duration, such as '1h 30m'") as broken:
        options(timeout={"env": "BAD"})
    assert "soon" not in str(broken.value)


def test_the_configs_own_keys_take_both() -> None:
    """Those of the lane and of the dispatcher."""
    config = parse(
        {
            "dispatcher": {"exit_timeout": "500ms"},
            "reporters": {"a": {"lane": {"timeout": "1m", "flush_interval": "2s", "capacity_bytes": "1MiB"}}},
        },
        Place("test.toml"),
    ).checked()
    lane = config.reporters[0].lane
    assert (config.dispatcher.exit_timeout, lane.timeout, lane.flush_interval, lane.capacity_bytes) == (
        0.5,
        60.0,
        2.0,
        1024**2,
    )


def test_a_number_of_events_has_no_unit() -> None:
    """What counts events is a number alone."""
    with pytest.raises(ConfigError, match="key 'capacity': expected a whole number from 1 to"):
        parse({"reporters": {"a": {"lane": {"capacity": "10KB"}}}}, Place("test.toml")).checked()
