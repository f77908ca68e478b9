"""What it takes to have events reach those who wait for them, beside peers: ``python benchmarks/end_to_end.py``.

From the first of 30,000 events published to the last one consumed, by consumers that count and do nothing else.
"""

from __future__ import annotations

import queue
from functools import partial

from _ours import calls_alone, dispatcher, events
from _peers import batch_span_processors, queue_handler
from _program import Report, run
from _rounds import compare, settle_heap
from _row import Row, result
from _subject import Subject, both_lost, end_to_end

SIZE = 30_000


def main(report: Report) -> None:
    ready = events(SIZE // 3)

    def beside(ours: Subject, peer: Subject, rounds: int, number: str = "", goal: float | None = None) -> None:
        settle_heap()
        comparison = compare(partial(end_to_end, ours, SIZE), partial(end_to_end, peer, SIZE), rounds)
        row = Row(number=number, what=f"end to end, reporters: {ours.consumers}", peer=peer.name, goal=goal)
        report.add(result(row, comparison, both_lost(ours, peer)))
        ours.close()
        peer.close()

    for reporters, goal in ((1, 1 / 6), (3, 1 / 10), (10, 1 / 13)):
        beside(dispatcher(reporters, ready), batch_span_processors(reporters, SIZE), 13, "6", goal)
    for room, number, wanted in ((queue.Queue(-1), "7", 1 / 35), (queue.SimpleQueue(), "", None)):
        beside(dispatcher(1, ready), queue_handler(SIZE, room), 11, number, wanted)
    # What no runtime is quicker than that calls a Python function for each event and reporter.
    for reporters in (1, 3, 10):
        floor = calls_alone(reporters, ready)
        peer = batch_span_processors(reporters, SIZE)
        comparison = compare(partial(end_to_end, floor, SIZE), partial(end_to_end, peer, SIZE), 7)
        row = Row(what=f"nothing but the calls of the hooks, reporters: {reporters}", peer=peer.name)
        report.add(result(row, comparison, both_lost(floor, peer)))
        peer.close()


if __name__ == "__main__":
    run(main)
