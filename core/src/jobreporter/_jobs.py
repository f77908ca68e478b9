"""From what a source knows of a job to a `Job`: defaults filled in, arguments captured and redacted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from jobreporter._capture.arguments import ArgumentCapture
from jobreporter._capture.plain import Bounds, plain, plain_dict
from jobreporter._capture.signatures import positional_names
from jobreporter._identity import Identity
from jobreporter._nearest import did_you_mean
from jobreporter.events import Job

FIELDS = Job.__struct_fields__
#: The fields that may hold anything. The others may, too, since nobody checks what a queue has for a name.
CAPTURED = frozenset(["args", "kwargs", "extra"])
#: What is kept of such a name.
OWN = Bounds(text=1_000, items=50, depth=2, total=4_000)


class CapturedJob(msgspec.Struct, frozen=True, gc=False):
    """A job, and the values that were redacted in its arguments: its error must not show them either."""

    job: Job
    secrets: tuple[str, ...]


class JobMaker:
    """Makes jobs the way that the config's ``[capture]`` says."""

    def __init__(self, capture: ArgumentCapture) -> None:
        self._capture = capture
        self.identity = Identity()

    def forked(self) -> None:
        """This is another process now."""
        self.identity = Identity()

    def make(self, name: str, function: Callable[..., Any] | None, fields: dict[str, Any]) -> CapturedJob:
        """The job with these fields.

        function: the one that the job runs; its signature names the positional arguments, unless ``argument_names`` is
        among the fields. Raises TypeError for a field that no job has.
        """
        secrets: tuple[str, ...] = ()
        known = {"name": name, "source": "python", "worker": self.identity.worker, **fields}
        argument_names = known.pop("argument_names", ())
        args, kwargs = known.get("args", ()), known.get("kwargs", {})
        if args or kwargs:
            names = argument_names or (positional_names(function) if function is not None else ())
            captured = self._capture(args, kwargs, names)
            known["args"], known["kwargs"], secrets = captured.args, captured.kwargs, captured.secrets
        else:
            # Not the caller's own, though empty: they may fill up before the job is delivered.
            known["args"], known["kwargs"] = (), {}
        if known.get("extra"):
            known["extra"] = plain_dict(known["extra"])
        job_id = known["id"] = known.get("id") or self.identity.new_id()
        if "execution_id" not in known:
            known["execution_id"] = f"{job_id}:{known.get('attempt', 1)}"
        for field, value in known.items():
            kind = type(value)
            if kind is str:
                if value.isascii() and len(value) <= OWN.text:
                    continue
            elif value is None or kind is int or kind is float or field in CAPTURED:
                continue
            known[field] = plain(value, OWN)
        try:
            return CapturedJob(Job(**known), secrets)
        except TypeError:
            raise _unknown_field(known) from None


def _unknown_field(fields: dict[str, Any]) -> TypeError:
    unknown = next(field for field in fields if field not in FIELDS)
    hint = did_you_mean(unknown, FIELDS)
    return TypeError(f"a job has no field {unknown!r}{hint or '. It has ' + ', '.join(FIELDS)}")
