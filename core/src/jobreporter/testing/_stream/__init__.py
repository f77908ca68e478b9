"""What every engine of streams has to do, as tests that an engine's own suite runs."""

from __future__ import annotations

from jobreporter.testing._stream._base import StreamCases
from jobreporter.testing._stream._entries import EntryCases
from jobreporter.testing._stream._executions import ExecutionCases
from jobreporter.testing._stream._leases import LeaseCases
from jobreporter.testing._stream._ledgers import LedgerCases
from jobreporter.testing._stream._retention import RetentionCases


class StreamConformance(EntryCases, ExecutionCases, LeaseCases, LedgerCases, RetentionCases, StreamCases):
    """Derive a class whose name begins with ``Test``, and say how to open a stream; pytest does the rest::

        class TestKafka(StreamConformance):
            not_provided = {"test_a_lease_is_given_up": "a lease of ours lasts until its end"}

            @pytest.fixture(autouse=True)
            def new_topic(self, broker):
                self.topic = broker.new_topic()

            def open(self, **settings):
                return engine.open(self.topic, StreamSettings(namespace="shop", **settings))

    open: opens one more handle to the same stream, which is new for each test, with two partitions unless the settings
    say otherwise. The suite closes it. not_provided: the names of cases that the engine doesn't fulfil, each with the
    reason, for its users to read; they are not collected. A name that no case has is a `TypeError`.
    """
