"""Reporters that owe their hosts something, each the one thing that its name says."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
import traceback
import urllib.request
from urllib.error import HTTPError

from jobreporter import Failure, Job, Options, Secret, Started, TryAgain, hookimpl


class Naive:
    """It takes it for granted that a job has a queue."""

    @hookimpl
    def handle_failure(self, job: Job) -> None:
        assert job.queue is not None
        assert job.queue.lower()


class Orderly:
    """It takes it for granted that what stops has started."""

    @hookimpl
    def reporter_start(self) -> None:
        self.running: dict[str, float] = {}

    @hookimpl
    def handle_started(self, job: Job, meta: Started) -> None:
        self.running[job.execution_id] = meta.at

    @hookimpl
    def handle_stopped(self, job: Job) -> None:
        del self.running[job.execution_id]


class Deaf:
    """It reacts to nothing that happens."""

    @hookimpl
    def reporter_flush(self) -> None: ...


class SenderOptions(Options):
    url: str


class Sender:
    """It loses what it can't send, waits as long as it takes, and follows wherever it is led."""

    url = ""

    @hookimpl
    def reporter_start(self, options: SenderOptions) -> None:
        self.url = options.url
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @hookimpl
    def handle_failure(self, job: Job, meta: Failure) -> None:
        try:
            with self.opener.open(f"{self.url}/{job.name}") as answer:
                answer.read()
        except HTTPError as error:
            error.close()
            raise


class PostOptions(Options):
    url: str
    key: Secret = Secret("none")


class Keeper:
    """It keeps what it can't send, and has nothing else to be ashamed of."""

    @hookimpl
    def reporter_start(self, options: PostOptions) -> None:
        self.options = options
        self.batch: list[str] = []

    @hookimpl
    def handle_failure(self, job: Job) -> None:
        self.batch.append(job.name)

    @hookimpl
    def reporter_flush(self) -> None:
        if self.batch:
            self.post("\n".join(self.batch))
            self.batch = []

    def post(self, text: str) -> None:
        try:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.options.url, text.encode()).close()
        except HTTPError as error:
            error.close()
            pause = error.headers.get("Retry-After")
            raise TryAgain(float(pause) if pause else None) from error


class Doubler(Keeper):
    """What it has put into its batch comes again with `TryAgain`, and is put there again."""

    @hookimpl
    def handle_failure(self, job: Job) -> None:
        self.batch.append(job.name)
        self.reporter_flush()


class Sprayer(Keeper):
    """It sends each by itself, and begins anew where one isn't taken."""

    @hookimpl
    def reporter_flush(self) -> None:
        for name in self.batch:
            self.post(name)
        self.batch = []


class Gossip(Keeper):
    """It tells the log how it sends, with its key."""

    def post(self, text: str) -> None:
        logging.getLogger("jobreporter.gossip").debug("sent with %s", self.options.key.reveal())
        super().post(text)


class Tardy(Keeper):
    """It says that all is flushed, and sends it when it comes to it."""

    def post(self, text: str) -> None:
        threading.Timer(0.2, super().post, [text]).start()


class Sleepy(Keeper):
    """It does all in its own time, which is everybody's."""

    @hookimpl
    def handle_success(self) -> None:
        time.sleep(0.001)


class Parental(Keeper):
    """What it has made is its process's, and no child's."""

    born: int | None = None

    @hookimpl
    def reporter_start(self, options: PostOptions) -> None:
        Parental.born = Parental.born or os.getpid()
        if Parental.born != os.getpid():
            raise LookupError("this is somebody else's")
        self.options, self.batch = options, []


class Loud(Keeper):
    """Says on stderr what it gets."""

    @hookimpl
    def handle_success(self, job: Job) -> None:
        print(job.name, file=sys.stderr)  # noqa: T201 - that is what it does wrong


class Hasty(Keeper):
    """It has every socket of its program give up early."""

    @hookimpl
    def handle_success(self) -> None:
        socket.setdefaulttimeout(2)


class Proxied:
    """It has everybody's requests go the way that is right for its own."""

    @hookimpl
    def reporter_start(self) -> None:
        urllib.request.install_opener(urllib.request.build_opener(urllib.request.HTTPCookieProcessor()))

    @hookimpl
    def handle_failure(self) -> None: ...


class Busy:
    """It leaves a thread and a file behind."""

    @hookimpl
    def reporter_start(self) -> None:
        self.file = os.open(os.devnull, os.O_RDONLY)
        self.thread = threading.Thread(target=threading.Event().wait, args=(5,), name="busy", daemon=True)
        self.thread.start()

    @hookimpl
    def handle_failure(self) -> None: ...


class Printer:
    """Says on stdout what it gets, where its program may say something to another one."""

    @hookimpl
    def handle_success(self, job: Job) -> None:
        print(job.name)  # noqa: T201 - that is what it does wrong


class Meddler:
    """It takes the environment, and logging, for its own."""

    @hookimpl
    def reporter_start(self) -> None:
        os.environ["MEDDLED"] = "1"
        logging.raiseExceptions = False

    @hookimpl
    def handle_failure(self) -> None: ...


class Once:
    """It can start once only."""

    lives = 0

    @hookimpl
    def reporter_start(self) -> None:
        Once.lives += 1
        assert Once.lives < 2

    @hookimpl
    def handle_failure(self) -> None: ...


class Coroner:
    """It has something to say about every end."""

    @hookimpl
    def reporter_start(self) -> None:
        sys.excepthook = lambda *_: None

    @hookimpl
    def handle_failure(self) -> None: ...


class Spy:
    """It doesn't take from the event what it tells of the job, but from the job's own variables."""

    @hookimpl
    def handle_failure(self) -> None:
        for caller in sys._current_frames().values():
            told = [frame.f_locals.get("arguments") for frame, _ in traceback.walk_stack(caller)]
            logging.getLogger("jobreporter.spy").debug("%r", told)
