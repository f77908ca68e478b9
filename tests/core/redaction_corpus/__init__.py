"""The redaction corpus: how it is read, and what a report makes of it. Its README says how it is written."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from jobreporter import Dispatcher, Failure
from jobreporter.testing import Recorder

FOLDER = Path(__file__).parent

#: Removed from every text, so that no complete key stands in a file.
SEAM = "<|>"

# Seconds that a reporter may take for all cases.
_PATIENCE = 60.0


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value or text, with what must vanish from its report and what must stay."""

    name: str
    text: str = ""
    args: list[Any] | str = []
    names: list[str] = []
    kwargs: dict[str, Any] | str = {}
    secret: list[str] = []
    keep: list[str] = []

    @property
    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The job's arguments."""
        args = ast.literal_eval(self.args) if isinstance(self.args, str) else self.args
        kwargs = ast.literal_eval(self.kwargs) if isinstance(self.kwargs, str) else self.kwargs
        return tuple(args), dict(kwargs)

    @property
    def kept(self) -> list[str]:
        """What must stay: what the case says, or all of it where nothing is secret."""
        if self.secret or self.keep:
            return self.keep
        return [text for text in leaves((self.text, *self.arguments)) if text]


class Found(NamedTuple):
    """What a report shows of a case."""

    case: Case
    #: Every text and number of the job's arguments and its error's message.
    shown: list[str]

    @property
    def leaked(self) -> list[str]:
        """Secrets that the report shows."""
        return [secret for secret in self.case.secret if any(secret in text for text in self.shown)]

    @property
    def taken(self) -> list[str]:
        """What should have stayed, and did not."""
        return [kept for kept in self.case.kept if not any(kept in text for text in self.shown)]


class Figures(NamedTuple):
    """How well a half of the corpus is told apart."""

    cases: int
    secrets: int
    leaked: int
    kept: int
    taken: int

    @property
    def recall(self) -> float:
        """The share of secrets that are in no report."""
        return 1 - self.leaked / self.secrets if self.secrets else 1.0

    @property
    def false_alarms(self) -> float:
        """The share of what should stay that didn't."""
        return self.taken / self.kept if self.kept else 0.0


def load(pattern: str) -> list[Case]:
    """The cases of all files whose name matches, without their seams."""
    return [case for path in sorted(FOLDER.glob(pattern)) for case in read(path)]


def read(path: Path) -> list[Case]:
    """The cases of one file. Raises msgspec.ValidationError for what is no case."""
    table = _joined(tomllib.loads(path.read_text(encoding="utf-8")))
    return msgspec.convert(table.get("case", []), list[Case])


def _joined(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(SEAM, "")
    if isinstance(value, list):
        return [_joined(item) for item in value]
    if isinstance(value, dict):
        return {_joined(key): _joined(item) for key, item in value.items()}
    return value


def leaves(value: Any) -> Iterator[str]:
    """Every text and number within a value, as text."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(key)
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, bytes):
        yield value.decode(errors="backslashreplace")
    elif value is not None:
        yield str(value)


def reported(cases: list[Case]) -> list[Found]:
    """What a reporter gets to see of each case, from a real dispatcher."""
    recorder = Recorder()
    with Dispatcher({"recorder": recorder}, config={}) as dispatcher:
        for number, case in enumerate(cases):
            args, kwargs = case.arguments
            execution = dispatcher.begin(
                "corpus", id=str(number), args=args, kwargs=kwargs, argument_names=tuple(case.names)
            )
            execution.fail(RuntimeError(case.text))
            execution.stop()
        assert dispatcher.flush(_PATIENCE)
    failures = [event for event in recorder.events if isinstance(event, Failure)]
    return [
        Found(case, list(leaves((event.error.message, event.job.args, event.job.kwargs))))
        for case, event in zip(cases, failures, strict=True)
    ]


def figures(found: list[Found]) -> Figures:
    """The sums over what was found."""
    return Figures(
        cases=len(found),
        secrets=sum(len(each.case.secret) for each in found),
        leaked=sum(len(each.leaked) for each in found),
        kept=sum(len(each.case.kept) for each in found),
        taken=sum(len(each.taken) for each in found),
    )
