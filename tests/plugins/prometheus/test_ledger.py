"""The dispatcher's ledger as metrics, beside `test_page` and `test_multiprocess`."""

from __future__ import annotations

import os

from jobreporter import Context, LaneStats, LiveAgent
from jobreporter_prometheus import PrometheusOptions
from jobreporter_prometheus._figures.families import AGENTS, AGENTS_UNLIKE, DROPPED, HANDLED
from jobreporter_prometheus._figures.figures import Figures, Frame
from jobreporter_prometheus._figures.ledger import Ledger

from .helping import ORIGIN, make_context


class Dispatcher:
    """Has a ledger that the test sets."""

    def __init__(self) -> None:
        self.handled = 0

    def context(self) -> Context:
        return make_context(self.stats)

    def stats(self) -> dict[str, LaneStats]:
        return {"log": LaneStats(accepted=self.handled, handled=self.handled, dropped={"capacity": 1})}


def counted(ledger: Ledger, key: tuple[str, ...] = (HANDLED.name, "log")) -> float:
    """What the ledger counts in figures that begin at zero."""
    figures = Figures(Frame.of(PrometheusOptions()))
    ledger.count(figures)
    return figures.counters[key]


def test_alone_a_new_start_shows_all_of_it() -> None:
    """Where figures are shown by this process alone, they are the ledger's own."""
    dispatcher = Dispatcher()
    for dispatcher.handled in (5, 8):
        assert counted(Ledger(dispatcher.context(), goes_on=False)) == dispatcher.handled


def test_in_a_shared_directory_a_new_start_counts_the_rest() -> None:
    """What an earlier start counted is in the directory already."""
    dispatcher = Dispatcher()
    found = []
    for dispatcher.handled in (5, 8):
        found.append(counted(Ledger(dispatcher.context(), goes_on=True)))
    assert found == [5, 3]
    assert counted(Ledger(dispatcher.context(), goes_on=True), (DROPPED.name, "log", "capacity")) == 0
    assert counted(Ledger(Dispatcher().context(), goes_on=True), (DROPPED.name, "log", "capacity")) == 1


def test_a_forked_childs_ledger_begins_anew() -> None:
    """A child's dispatcher counts from zero, so what its parent had counted is not taken from it."""
    dispatcher = Dispatcher()
    dispatcher.handled = 5
    counted(Ledger(dispatcher.context(), goes_on=True))
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            dispatcher.handled = 2
            os.write(writes, str(counted(Ledger(dispatcher.context(), goes_on=True))).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writes)
    assert os.read(reads, 100) == b"2.0"
    os.close(reads)


def test_a_figure_never_falls() -> None:
    """Should the ledger ever show less, the counter stays where it is."""
    dispatcher = Dispatcher()
    ledger, figures = Ledger(dispatcher.context(), goes_on=False), Figures(Frame.of(PrometheusOptions()))
    for dispatcher.handled in (5, 3, 6):
        ledger.count(figures)
    assert figures.counters[HANDLED.name, "log"] == 6


def test_agents_are_counted_where_somebody_knows_them() -> None:
    """A worker doesn't, and says nothing."""
    agents = [LiveAgent(origin=ORIGIN), LiveAgent(origin=ORIGIN, same_config=False), LiveAgent(origin=ORIGIN)]
    figures = Figures(Frame.of(PrometheusOptions()))
    Ledger(make_context(agents=lambda: agents), goes_on=False).count(figures)
    assert (figures.gauges[AGENTS.name,], figures.gauges[AGENTS_UNLIKE.name,]) == (3.0, 1.0)
    figures = Figures(Frame.of(PrometheusOptions()))
    Ledger(make_context(), goes_on=False).count(figures)
    assert (AGENTS.name,) not in figures.gauges
