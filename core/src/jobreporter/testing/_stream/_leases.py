"""Who may hand events to a reporter."""

from __future__ import annotations

import time

from jobreporter.testing._stream._base import AGENT, AGENT_2, StreamCases, fill, lease, mistaken, settle


class LeaseCases(StreamCases):
    """Leases and their fences."""

    def test_a_lease_has_one_owner(self) -> None:
        """For each reporter and each partition, whichever handle asks."""
        stream, other = self.stream(), self.stream()
        stream.register({"log": "oldest", "sentry": "oldest"})
        assert stream.acquire("log", 0, AGENT, 10) is not None
        assert other.acquire("log", 0, AGENT_2, 10) is None
        assert other.acquire("log", 1, AGENT_2, 10) is not None
        assert other.acquire("sentry", 0, AGENT_2, 10) is not None

    def test_its_owner_gets_it_again(self) -> None:
        """With the same fence, and the position as it is now."""
        stream = self.stream()
        fill(stream, 3)
        held = lease(stream)
        settle(stream, held, 2)
        again = lease(stream)
        assert (again.fence, again.position) == (held.fence, 2)

    def test_a_lease_is_given_up(self) -> None:
        """Another agent has it at once, with a higher fence."""
        stream = self.stream()
        held = lease(stream)
        stream.release(held)
        assert lease(stream, owner=AGENT_2).fence > held.fence
        assert stream.renew([held], 10) == (False,)
        stream.release(held)
        assert stream.acquire("log", 0, b"agent--3", 10) is None

    def test_a_lease_that_ran_out_can_be_taken(self) -> None:
        """Its former owner is fenced off then: it can't renew it, settle, or give it up."""
        stream = self.stream()
        fill(stream, 3)
        stream.register({"log": "oldest"})
        late = stream.acquire("log", 0, AGENT, 0.05)
        assert late is not None
        time.sleep(0.1)  # its whole time
        held = lease(stream, owner=AGENT_2)
        assert held.fence > late.fence
        assert stream.renew([late], 10) == (False,)
        assert settle(stream, late, 2) == "fenced"
        stream.release(late)
        assert stream.renew([held], 10) == (True,)
        assert settle(stream, held, 2) == "settled"

    def test_a_lease_that_ran_out_and_that_nobody_took_is_still_held(self) -> None:
        """Its owner was away for a while; no other has handed out anything since."""
        stream = self.stream()
        stream.register({"log": "oldest"})
        late = stream.acquire("log", 0, AGENT, 0.05)
        assert late is not None
        time.sleep(0.1)  # its whole time
        assert stream.renew([late], 10) == (True,)
        assert stream.acquire("log", 0, AGENT_2, 10) is None

    def test_leases_are_renewed_together(self) -> None:
        """Each is answered for; none at all is fine."""
        stream = self.stream()
        held, lost = lease(stream), lease(stream, partition=1)
        stream.release(lost)
        assert stream.renew([held, lost], 10) == (True, False)
        assert stream.renew([], 10) == ()

    def test_a_renewed_lease_lasts(self) -> None:
        """For its time from then on."""
        stream = self.stream()
        stream.register({"log": "oldest"})
        held = stream.acquire("log", 0, AGENT, 0.05)
        assert held is not None
        stream.renew([held], 10)
        time.sleep(0.1)  # its first time
        assert stream.acquire("log", 0, AGENT_2, 10) is None

    def test_a_reporter_that_is_not_known_has_no_lease(self) -> None:
        """It was not registered, or was forgotten: its position is nowhere."""
        with mistaken():
            self.stream().acquire("log", 0, AGENT, 10)

    def test_a_name_with_a_dot_is_a_task(self) -> None:
        """One agent at a time has it, and it is nobody's ledger."""
        stream = self.stream()
        task = stream.acquire(".sweeper", 0, AGENT, 10)
        assert task is not None
        assert stream.acquire(".sweeper", 0, AGENT_2, 10) is None
        assert stream.renew([task], 10) == (True,)
        assert not stream.ledgers()
        stream.release(task)
        assert stream.acquire(".sweeper", 0, AGENT_2, 10) is not None
