"""What a plugin itself says of its options as a whole, and which of two fates that has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from jobreporter._config.plugin_options import check_options
from jobreporter.options import Options, Secret, refuse

from .configs import reporter
from .particular_options import CANARY, WHERE, broken, faults_of, one_option


class ParticularOptions(Options):
    dsn: Secret = Secret("https://k@h/1")
    name: str = ""
    rate: float = 1.0
    error: str = "value"

    def __post_init__(self) -> None:
        """Raise what the test asks for, as a validation of several fields would."""
        if self.rate > 1:
            raise ValueError("rate must be between 0 and 1")
        match self.error:
            case "type":
                raise TypeError(f"can't be {self.name}")
            case "key":
                raise KeyError(self.name)
            case "leak":
                raise ValueError(f"no such project: {self.dsn.reveal()!r}")
            case "partly":
                raise ValueError(f"port can't be {self.dsn.reveal().split(':')[-1]}")
            case "leak name":
                raise ValueError(f"no such name: {self.name}")
            case "empty":
                raise ValueError
            case "long":
                raise ValueError("a\n" * 1_000)
            case "hostile":
                raise Hostile


class Hostile(Exception):  # noqa: N818 - a name for what it does
    def __str__(self) -> str:
        raise RuntimeError


def test_an_objection_of_the_plugin_is_a_fault() -> None:
    """Its own words are told."""
    assert faults_of(ParticularOptions, rate=2) == ["rate must be between 0 and 1"]
    assert faults_of(ParticularOptions, error="type", name="so") == ["can't be so"]
    assert faults_of(ParticularOptions, error="key", name="so") == ["KeyError: 'so'"]
    assert faults_of(ParticularOptions, error="empty") == ["ValueError"]
    assert faults_of(ParticularOptions, error="hostile") == ["Hostile"]


class ThoroughOptions(Options):
    low: int = 0
    high: int = 9
    token: Secret = Secret("")

    def __post_init__(self) -> None:
        """Object to each option, in one go."""
        wrong = [f"'{name}' must not be negative" for name in ("low", "high") if getattr(self, name) < 0]
        if wrong and self.token.reveal():
            wrong.append(f"'token' is {self.token.reveal()}")
        if wrong:
            raise ExceptionGroup("options", [ValueError(each) for each in wrong])


def test_several_objections_are_told_in_one_go(tmp_path: Path) -> None:
    """Each with its own place and its own fate, and none with a secret."""
    faults = check_options(ThoroughOptions, reporter(low=-1, high=-2, token=CANARY))
    assert [(fault.key, CANARY in fault.problem) for fault in faults] == [
        ("low", False),
        ("high", False),
        ("token", False),
    ]
    half = reporter(tmp_path, low=-1, high={"env": "HIGH"})
    assert [fault.key for fault in check_options(ThoroughOptions, half, environ={"HIGH": "-2"})] == ["low"]
    reason = broken(ThoroughOptions, tmp_path, {"HIGH": "-2"}, high={"env": "HIGH"})
    assert reason == f"{WHERE}: 'high' must not be negative"


def test_an_objection_is_one_bounded_line() -> None:
    """Whatever the plugin writes."""
    (fault,) = faults_of(ParticularOptions, error="long")
    assert "\n" not in fault
    assert len(fault) <= 300


def test_an_objection_that_follows_from_a_reference_breaks_the_reporter(tmp_path: Path) -> None:
    """The file is right then; another environment would do."""
    reason = broken(ParticularOptions, tmp_path, {"RATE": "2"}, rate={"env": "RATE"})
    assert reason == f"{WHERE}: rate must be between 0 and 1"


class SampledOptions(Options):
    """Two options that are checked together, the one that an environment has first or last."""

    dsn: Secret
    sample_rate: float = 1.0
    floor: float = 0.0
    dsn_first: bool = False

    def __post_init__(self) -> None:
        """Object to each by itself, and to both."""
        if self.dsn_first:
            self._check_dsn()
        if self.sample_rate > 1:
            raise ValueError("'sample_rate' must be from 0 to 1")
        if self.floor > self.sample_rate:
            raise ValueError("'floor' must not be above 'sample_rate'")
        if not self.dsn_first:
            self._check_dsn()

    def _check_dsn(self) -> None:
        try:
            scheme, _, _ = self.dsn.reveal().partition("://")
        except Exception:  # as careless plugins do
            scheme = ""
        if not scheme.startswith("http"):
            raise ValueError("'dsn' must be a URL")


@pytest.mark.parametrize("dsn", ["https://k@h/1", {"env": "DSN"}, {"file": "dsn"}])
@pytest.mark.parametrize("dsn_first", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_a_mistake_in_the_file_has_one_fate(dsn: object, dsn_first: bool, known: bool) -> None:
    """It is a fault, whether another option is in the file or only referred to, and whether that leads anywhere."""
    wrong = {"sample_rate": 2, "dsn": dsn, "dsn_first": dsn_first}
    environ = {"DSN": "https://k@h/1"} if known else {}
    faults = check_options(SampledOptions, reporter(**wrong), environ=environ)
    # A plugin that looks at the unknown first says nothing of the rest before it is known.
    assert all(fault.key == "sample_rate" for fault in faults)
    told = not (dsn_first and isinstance(dsn, dict)) or (known and dsn == {"env": "DSN"})
    assert [fault.problem for fault in faults] == (["'sample_rate' must be from 0 to 1"] if told else [])


def test_what_is_wrong_with_one_option_and_with_all_is_told_in_one_go() -> None:
    """A wrong type, a missing option and an objection to others."""
    assert faults_of(SampledOptions, floor=3, sample_rate=2, dsn_first="yes") == [
        "option 'dsn' is missing: expected a secret",
        "option 'dsn_first': expected true or false, found text",
    ]
    assert faults_of(SampledOptions, floor="x", sample_rate=2) == [
        "option 'dsn' is missing: expected a secret",
        "option 'floor': expected a number, found text",
        "'sample_rate' must be from 0 to 1",
    ]


def test_a_mistake_in_the_environment_breaks_the_reporter(tmp_path: Path) -> None:
    """The file is right; and what two values mean together may be either's."""
    reason = broken(SampledOptions, tmp_path, {"DSN": "gopher"}, dsn={"env": "DSN"})
    assert reason == f"{WHERE}: 'dsn' must be a URL"
    reason = broken(
        SampledOptions,
        tmp_path,
        {"DSN": "https://h", "RATE": "0.5"},
        dsn={"env": "DSN"},
        sample_rate={"env": "RATE"},
        floor=0.9,
    )
    assert reason == f"{WHERE}: 'floor' must not be above 'sample_rate'"


def test_a_reference_may_have_to_lead_somewhere(tmp_path: Path) -> None:
    """Then a worker does not start without it."""
    required = reporter(tmp_path, dsn={"env": "DSN", "required": True})
    assert [fault.problem for fault in check_options(SampledOptions, required, environ={})] == [
        "option 'dsn': the environment variable DSN is not set"
    ]
    assert check_options(SampledOptions, required, environ={"DSN": "https://h"}) == []
    (tmp_path / "empty").write_text("\n")
    file = reporter(tmp_path, dsn={"required": True, "file": "empty"})
    (fault,) = check_options(SampledOptions, file, environ={})
    assert fault.problem == f"option 'dsn': the file {str(tmp_path / 'empty')!r} is empty"
    rate = reporter(dsn="https://h", sample_rate={"env": "RATE", "required": True})
    (fault,) = check_options(SampledOptions, rate, environ={"RATE": "fast"})
    assert fault.problem == "option 'sample_rate': expected the environment variable RATE to hold a number"


def test_a_reference_that_leads_nowhere_is_told_beside_what_else_is_wrong(tmp_path: Path) -> None:
    """All in one go: whoever mends the one would meet the other at the next start."""
    wrong = reporter(tmp_path, dsn={"env": "DSN", "required": True}, sample_rate=2)
    told = [fault.problem for fault in check_options(SampledOptions, wrong, environ={})]
    assert len(told) == 2
    assert "option 'dsn': the environment variable DSN is not set" in told
    assert any("sample_rate" in problem for problem in told)


@pytest.mark.parametrize("secret", [CANARY, "x'y\n" + CANARY, "1"])
def test_an_objection_that_quotes_a_secret_is_withheld(tmp_path: Path, secret: str) -> None:
    """Literal or referenced, as it is or escaped."""
    withheld = "ValueError, with a message that is withheld, since it may quote a secret"
    assert faults_of(ParticularOptions, error="leak", dsn=secret) == [withheld]
    environ = {"VALUE": secret}
    assert broken(ParticularOptions, tmp_path, environ, error="leak", dsn={"env": "VALUE"}) == f"{WHERE}: {withheld}"
    reason = broken(ParticularOptions, tmp_path, environ, error="leak name", name={"env": "VALUE"})
    assert reason == f"{WHERE}: {withheld}"


def test_an_objection_that_quotes_part_of_a_secret_is_withheld() -> None:
    """A parser complains of the port of a URL, and it is the password."""
    (fault,) = faults_of(ParticularOptions, error="partly", dsn="https://user:hunter2hunter2")
    assert "hunter2" not in fault


class PickyRetry(msgspec.Struct):
    times: int
    token: Secret = Secret("")

    def __post_init__(self) -> None:
        """Object to what is nested, one way or another."""
        if self.times < 0:
            raise ValueError("times must not be negative")
        if self.times == 0:
            raise LookupError(f"no {self.token.reveal()}")


def test_a_nested_record_may_object_too(tmp_path: Path) -> None:
    """The fault names the option that it is under."""
    nested = one_option(dict[str, PickyRetry])
    assert faults_of(nested, it={"a": {"times": -1}}) == ["option 'it': times must not be negative"]
    assert faults_of(nested, it={"a": {"times": 0, "token": CANARY}}) == [
        "option 'it': LookupError, with a message that is withheld, since it may quote a secret"
    ]
    reason = broken(nested, tmp_path, {"TIMES": "-1"}, it={"a": {"times": {"env": "TIMES"}}})
    assert reason == f"{WHERE}: option 'it': times must not be negative"


class RefusedOptions(Options):
    token: Secret
    low: int = 0
    high: int = 10

    def __post_init__(self) -> None:
        """Tell all that is wrong, what mostly comes from a variable last."""
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if self.low < 0:
            yield "low is below 0"
        if self.low > self.high:
            yield "low is above high"
        if not self.token.reveal().isascii():
            yield "token is not ASCII"


def test_what_is_wrong_beside_a_value_that_is_not_known_is_told() -> None:
    """As in CI, where no secret is: what a plugin said before it asked for one counts."""
    elsewhere = reporter(token={"env": "TOKEN"}, low=-1, high=-2)
    told = [fault.problem for fault in check_options(RefusedOptions, elsewhere, environ={})]
    assert told == ["low is below 0", "low is above high"]
    assert faults_of(RefusedOptions, low=11, token="é")  # noqa: S106 - it is none == ["low is above high", "token is not ASCII"]
    assert check_options(RefusedOptions, reporter(token={"env": "TOKEN"}), environ={}) == []


def test_refusing_nothing_refuses_nothing() -> None:
    """One thing that is wrong is raised as it is, and without a group around it."""
    refuse(())
    with pytest.raises(ValueError, match=r"^too long$"):
        refuse(["too long"])
