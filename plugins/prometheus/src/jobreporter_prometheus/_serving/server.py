"""Connections of scrapers, served one after the other by one thread that takes little of the process's time.

What a client does, or leaves undone, costs a bounded number of open files, a bounded time, and a bounded share of the
interpreter: jobs run in the same process.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import cast

from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._serving.request import MOST_BYTES

logger = logging.getLogger("jobreporter.prometheus")

#: The most connections at a time. One more takes the place of the one that has kept us waiting for the longest.
MOST_CONNECTIONS = 16
#: Seconds that a connection may take, from its first byte to our last.
PATIENCE = 10.0
#: For each second that answers take of the processor, so many seconds nothing is answered.
REST = 4.0
#: Seconds to leave a listening socket alone that gives no connections, such as where there are too many open files.
PAUSE = 1.0

#: Epoll would be shared with forked children.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class Connection:
    """One client: its request as far as it has come, and then the answer as far as it has not gone."""

    def __init__(self, client: socket.socket, deadline: float) -> None:
        self.client = client
        self.deadline = deadline
        self._request = bytearray()
        self._answer: memoryview | None = None

    @property
    def waits(self) -> bool:
        """Whether the request isn't there yet."""
        return self._answer is None

    @property
    def events(self) -> int:
        """What has to be possible before it can go on."""
        return selectors.EVENT_READ if self.waits else selectors.EVENT_WRITE

    def go_on(self, answer: Callable[[bytes], bytes]) -> bool:
        """Do what can be done without waiting. Returns whether there is more to do. Raises OSError if the client is gone."""
        if self._answer is None:
            if not self._receive():
                return False
            if not _is_whole(self._request) and len(self._request) <= MOST_BYTES:
                return True
            self._answer = memoryview(answer(bytes(self._request)))
        try:
            while self._answer:
                self._answer = self._answer[self.client.send(self._answer) :]
        except BlockingIOError:
            return True
        return False

    def _receive(self) -> bool:
        try:
            content = self.client.recv(MOST_BYTES)
        except BlockingIOError:
            return True
        self._request += content
        return bool(content)


class Server:
    """Accepts and answers until it is stopped. answer: what a request gets."""

    def __init__(self, listener: socket.socket, answer: Callable[[bytes], bytes], clock: Clock = SYSTEM) -> None:
        self._listener = listener
        self._answer = answer
        self._clock = clock
        self._stopped = threading.Event()
        self._wakes, self._waker = socket.socketpair()
        self._connections: dict[socket.socket, Connection] = {}
        self._listens_from = 0.0
        for each in (listener, self._wakes, self._waker):
            each.setblocking(False)

    def serve(self) -> None:
        """Serve until `stop`."""
        try:
            while not self._stopped.is_set():
                found = self._wait()
                # Where threads are greenlets, this thread's time is the jobs' as well, while it waits.
                begun = time.thread_time()
                self._turn(found)
                self._stopped.wait(min(PAUSE, REST * (time.thread_time() - begun)))
        finally:
            self.close()

    def stop(self) -> None:
        """Have `serve` return."""
        self._stopped.set()
        try:
            self._waker.send(b".")
        except OSError:
            logger.debug("the server has stopped already", exc_info=True)

    def close(self) -> None:
        """Close everything; in a forked child, its copies alone."""
        for each in (self._listener, self._wakes, self._waker, *list(self._connections)):
            each.close()
        self._connections.clear()

    def _turn(self, found: list[socket.socket]) -> None:
        """Do what can be done at these sockets without waiting."""
        for each in found:
            if each is self._listener:
                self._accept_all()
            elif connection := self._connections.get(each):
                self._go_on(connection)
        now = self._clock.monotonic()
        for connection in [each for each in self._connections.values() if each.deadline <= now]:
            self._drop(connection)

    def _wait(self) -> list[socket.socket]:
        now = self._clock.monotonic()
        until = [each.deadline for each in self._connections.values()]
        with _Selector() as selector:
            selector.register(self._wakes, selectors.EVENT_READ)
            if self._listens_from <= now:
                selector.register(self._listener, selectors.EVENT_READ)
            else:
                until.append(self._listens_from)
            for connection in self._connections.values():
                selector.register(connection.client, connection.events)
            found = selector.select(max(0.0, min(until) - now) if until else None)
        # Only sockets were registered; where a library has patched them, they are of more than one class.
        return [cast(socket.socket, key.fileobj) for key, _ in found]

    def _accept_all(self) -> None:
        for _ in range(MOST_CONNECTIONS):
            try:
                client, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                logger.debug("no connection can be accepted now: %s", error)
                self._listens_from = self._clock.monotonic() + PAUSE
                return
            self._accepted(client)

    def _accepted(self, client: socket.socket) -> None:
        client.setblocking(False)
        if len(self._connections) >= MOST_CONNECTIONS:
            self._make_room()
        connection = self._connections[client] = Connection(client, self._clock.monotonic() + PATIENCE)
        self._go_on(connection)

    def _make_room(self) -> None:
        """Drop a connection: the oldest that hasn't asked yet, or the oldest."""
        waiting = [each for each in self._connections.values() if each.waits]
        self._drop(next(iter(waiting or self._connections.values())))

    def _go_on(self, connection: Connection) -> None:
        try:
            if connection.go_on(self._answer):
                return
        except OSError as error:
            logger.debug("a scrape broke: %s", error)
        self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        del self._connections[connection.client]
        connection.client.close()


def _is_whole(request: bytearray) -> bool:
    return b"\r\n\r\n" in request or b"\n\n" in request
