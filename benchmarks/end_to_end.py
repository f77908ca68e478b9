"""What it takes to have events reach those who wait for them, beside peers: ``python benchmarks/end_to_end.py``.

From the first of 30,000 events published to the last one consumed, by consumers that count and do nothing else.
"""

from __future__ import annotations

import logging
import queue
from functools import partial

from _ours import dispatcher, events
from _peers import batch_span_processors, queue_handler
from _rounds import compare, settle_heap
from _subject import Subject, end_to_end
from _table import Row, print_head, print_row

SIZE = 30_000


def main() -> None:
    logging.getLogger("jobreporter").setLevel(logging.CRITICAL)  # the table tells of losses
    ready = events(SIZE // 3)
    settle_heap()
    print_head()
    for reporters, goal in ((1, 1 / 6), (3, 1 / 10), (10, 1 / 13)):
        peer = batch_span_processors(reporters, SIZE)
        show(f"6. end to end, reporters: {reporters}", dispatcher(reporters, ready), peer, 15, goal)
    for room, wanted in ((queue.Queue(-1), 1 / 35), (queue.SimpleQueue(), None)):
        show("7. end to end, reporters: 1", dispatcher(1, ready), queue_handler(SIZE, room), 11, wanted)


def show(what: str, ours: Subject, peer: Subject, rounds: int, goal: float | None) -> None:
    settle_heap()
    comparison = compare(partial(end_to_end, ours, SIZE), partial(end_to_end, peer, SIZE), rounds)
    print_row(Row(what, peer.name, comparison, goal, ours, peer))
    ours.close()
    peer.close()


if __name__ == "__main__":
    main()
