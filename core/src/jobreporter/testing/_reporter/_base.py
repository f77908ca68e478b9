"""What the cases share: the reporter, a server and a folder for it, and dispatchers that are closed after each test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import msgspec
from importlib_metadata import EntryPoint, entry_points

from jobreporter import Dispatcher, LaneStats
from jobreporter.testing._dispatchers import lost
from jobreporter.testing._stand_in import StandIn
from jobreporter.testing._waiting import PATIENCE

GROUP = "jobreporter.reporters"


class ReporterCases:
    """The base of all cases."""

    #: The entry point's name, or ``module:attribute``.
    reporter: ClassVar[str]
    #: Cases that the reporter doesn't fulfil, each with the reason.
    not_provided: ClassVar[dict[str, str]] = {}
    #: Seconds of the processor that its import may take, with what it depends on.
    import_seconds: ClassVar[float] = 3.0

    #: A server that stands in for the vendor's; new for each test.
    stand_in: StandIn
    #: An empty folder; new for each test.
    folder: Path

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        for case in cls.not_provided:
            if not (case.startswith("test_") and hasattr(cls, case)):
                raise TypeError(f"{cls.__name__}.not_provided: there is no case {case!r}")
            setattr(cls, case, None)  # pytest collects what can be called

    def options(self) -> dict[str, Any]:
        """What the reporter's table in the config says."""
        return {}

    def setup_method(self) -> None:
        """Called by pytest before each test."""
        self._proxies = {name: os.environ.pop(name) for name in [*os.environ] if name.lower().endswith("_proxy")}
        self.stand_in = StandIn()
        self.folder = Path(tempfile.mkdtemp(prefix="jobreporter-"))
        self._made: list[Dispatcher] = []

    def teardown_method(self) -> None:
        """Called by pytest after each test."""
        self.stand_in.release()
        for dispatcher in self._made:
            dispatcher.close(PATIENCE)
        self.stand_in.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.environ.update(self._proxies)

    @property
    def name(self) -> str:
        """The reporter's name."""
        return self.reporter if ":" not in self.reporter else "under_test"

    @property
    def use(self) -> str:
        """Where the reporter is: ``module:attribute``, or a module alone."""
        if not isinstance(getattr(self, "reporter", None), str):
            raise TypeError(f"{type(self).__name__}.reporter has to be an entry point's name, or 'module:attribute'")
        if ":" in self.reporter:
            return self.reporter
        found = entry_points(group=GROUP)
        if self.reporter not in found.names:
            raise LookupError(f"no reporter {self.reporter!r} is installed, but {', '.join(sorted(found.names))}")
        return str(found[self.reporter].value)

    @property
    def target(self) -> Any:
        """The reporter itself: a class, a module or an instance."""
        return EntryPoint(self.name, self.use, GROUP).load()

    def dispatch(self, target: object | None = None, **lane: Any) -> Dispatcher:
        """A dispatcher of the reporter, closed after the test. lane: keys of its ``lane``."""
        config = {"reporters": {self.name: {**self.options(), "lane": lane}}}
        dispatcher = Dispatcher({self.name: self.target if target is None else target}, config=config)
        self._made.append(dispatcher)
        return dispatcher

    def stats(self, dispatcher: Dispatcher) -> LaneStats:
        """The reporter's ledger."""
        return dispatcher.stats()[self.name]

    def assert_unhurt(self, dispatcher: Dispatcher, advice: str = "") -> None:
        """It has lost nothing and has not crashed. An AssertionError says what it lost. advice: and what to do about it."""
        stats = self.stats(dispatcher)
        taken = msgspec.structs.replace(stats, pending=0)  # what it still holds is not lost
        if said := lost(self.name, taken):
            raise AssertionError("\n".join(filter(None, [said, advice, "The log has what its hooks raised."])))

    def assert_flushed(self, dispatcher: Dispatcher) -> None:
        """It is done with what it was given. An AssertionError says what keeps it."""
        if not dispatcher.flush(PATIENCE):
            stats = self.stats(dispatcher)
            said = f"not flushed within {PATIENCE:g} s, it is {stats.status}: {lost(self.name, stats)}"
            raise AssertionError(f"{said}\nThe log has what its hooks raised.")

    def assert_closed(self, dispatcher: Dispatcher) -> None:
        """It stops in time."""
        if not dispatcher.close(PATIENCE):
            raise AssertionError(
                f"it takes longer than {PATIENCE:g} s to stop: nothing in reporter_stop may wait for so long"
            )

    def sent(self, marker: str) -> int:
        """How often the stand-in has taken a word, in all requests that it answered with 2xx."""
        word = marker.encode()
        return sum(each.body.count(word) + each.path.count(marker) for each in self.stand_in.requests if each.taken)

    @property
    def sends(self) -> bool:
        """Whether its options name the stand-in: then it sends what happens, now or when it flushes."""
        return f":{self.stand_in.port}" in str(self.options())

    def spoiled(self, hook: str, function: Callable[..., object]) -> object:
        """The reporter with another function for a hook."""
        target = self.target
        if isinstance(target, ModuleType):
            copy = ModuleType(target.__name__)
            vars(copy).update(vars(target))
            setattr(copy, hook, function)
            return copy
        if not isinstance(target, type):
            raise TypeError(f"{self.use} is an instance; name its class, so that the cases can derive from it")
        method = staticmethod(function)
        return type(target.__name__, (target,), {hook: method, "__module__": target.__module__})
