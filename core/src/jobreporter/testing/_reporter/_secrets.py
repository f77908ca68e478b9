"""What was secret in a job is in nothing that a reporter sends, writes, logs or prints."""

from __future__ import annotations

import inspect
from contextlib import suppress
from pathlib import Path
from typing import Any, get_type_hints

from jobreporter import Abort, Options
from jobreporter.testing._answers import Answer, hang_up
from jobreporter.testing._make import make_event
from jobreporter.testing._reporter._base import ReporterCases

_CANARY = "canary-7f3a9c"


class SecretCases(ReporterCases):
    """A canary in arguments, and in the error that quotes them; and what its own config keeps secret."""

    def test_it_shows_no_secret(self, caplog: Any, capfd: Any) -> None:
        """Neither on the wire, nor in its files, its log lines, or on stdout and stderr."""
        caplog.set_level("DEBUG")
        dispatcher = self.dispatch()
        arguments = {"password": _CANARY, "deep": [{"token": _CANARY}]}
        with suppress(ConnectionError), dispatcher.begin("a", kwargs=arguments):
            raise ConnectionError(f"can't reach postgres://shop:{_CANARY}@db/shop with {_CANARY}")
        with dispatcher.begin("b", args=(f"https://ann:{_CANARY}@host/",)):
            raise Abort("skipped")
        self.assert_flushed(dispatcher)
        self.assert_closed(dispatcher)
        out, err = capfd.readouterr()
        told = {"its log": caplog.text, "stdout and stderr": out + err}
        for request in self.stand_in.requests:
            told[f"{request.method} {request.path}"] = f"{request.path} {request.headers} {request.body!r}"
        for path in filter(Path.is_file, self.folder.rglob("*")):
            told[str(path.relative_to(self.folder))] = repr(path.read_bytes())
        shown = [place for place, text in told.items() if _CANARY in text]
        assert not shown, (
            f"what was secret in a job is in {', '.join(shown)}: take arguments and errors from the events alone"
        )

    def test_it_keeps_the_secrets_of_its_config(self, caplog: Any, capfd: Any) -> None:
        """What its options declare as `Secret` is in no log line and on no stream, least of all when something fails."""
        secrets = self._secrets()
        caplog.set_level("DEBUG")
        for trouble in (None, Answer(503), hang_up, Answer(400)):
            dispatcher = self.dispatch()
            if trouble is not None:
                self.stand_in.next(trouble)
            dispatcher.publish(make_event("failure", will_retry=False))
            dispatcher.flush(5)
            dispatcher.close(5)
            self.stand_in.script.clear()
        said = {"its log": caplog.text, "stdout and stderr": "".join(capfd.readouterr())}
        shown = [
            f"the option {name!r} in {place}"
            for name, value in secrets.items()
            for place in said
            if value in said[place]
        ]
        assert not shown, f"it shows what is secret: {', '.join(shown)}"

    def _secrets(self) -> dict[str, str]:
        """The options that are declared as `Secret`, as the config of the case says them."""
        hints = _hints(inspect.unwrap(getattr(self.target, "reporter_start", _nothing)))
        declared = _hints(hints.get("options", Options))
        given = self.options()
        return {
            name: value
            for name, kind in declared.items()
            if "Secret" in str(kind) and isinstance(value := given.get(name), str) and len(value) > 3
        }


def _nothing() -> None: ...


def _hints(annotated: object) -> dict[str, Any]:
    try:
        return get_type_hints(annotated)
    except (NameError, TypeError):  # what is imported for type checkers alone says nothing here
        return {}
