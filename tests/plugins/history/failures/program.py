"""Runs real jobs that fail, each as an execution of a real dispatcher. Which of them are one incident is said beside each.

argv: the config, and what to call this installation. The application is found as it is installed.
"""

import asyncio
import json
import subprocess
import sys

from shopapp import bank, receipts
from shopapp.errors import Declined, Unreachable

from jobreporter import Dispatcher

CHARGE = "shopapp.jobs.charge"

#: Incident, job, what is called, and how the failure is told, if not as it is raised. The order tells them apart.
FAILURES = [
    ("declined in transfer", CHARGE, lambda: bank.transfer(-1, "acme"), {}),
    ("declined in transfer", CHARGE, lambda: bank.transfer(-20, "globex"), {}),
    ("declined in transfer", CHARGE, lambda: bank.transfer(7, "acme"), {}),
    ("declined in transfer", CHARGE, lambda: bank.transfer(9, "0x7f3a9c"), {}),
    ("unreachable in transfer", CHARGE, lambda: bank.transfer(0, "acme"), {}),
    ("another job", "shopapp.jobs.subscribe", lambda: bank.transfer(-1, "acme"), {}),
    ("another module", CHARGE, lambda: receipts.transfer(1, "acme"), {}),
    ("parse", CHARGE, lambda: bank.parse("<html>"), {}),
    ("parse", CHARGE, lambda: bank.parse('{"total": 3'), {}),
    ("parse_receipt", CHARGE, lambda: bank.parse_receipt("<html>"), {}),
    ("convert", CHARGE, lambda: bank.convert("twelve"), {}),
    ("convert", CHARGE, lambda: bank.convert("thirteen"), {}),
    ("decorated", CHARGE, lambda: bank.refund(3), {}),
    ("decorated", CHARGE, lambda: bank.refund(4), {}),
    ("method", CHARGE, lambda: bank.Account().withdraw(3), {}),
    ("static method", CHARGE, lambda: bank.Account.close(3), {}),
    ("comprehension", CHARGE, lambda: bank.all_at_once([-1]), {}),
    ("comprehension", CHARGE, lambda: bank.all_at_once([-2, 1]), {}),
    ("generator expression", CHARGE, lambda: bank.one_by_one([-1]), {}),
    ("lambda", CHARGE, lambda: bank.by_lambda([-1]), {}),
    ("nested function", CHARGE, lambda: bank.nested(3), {}),
    ("coroutine", CHARGE, lambda: asyncio.run(bank.asynchronous(3)), {}),
    ("coroutine", CHARGE, lambda: asyncio.run(bank.asynchronous(5)), {}),
    ("generator", CHARGE, lambda: list(bank.generate(3)), {}),
    ("recursion", CHARGE, lambda: bank.descend(0), {}),
    ("recursion", CHARGE, lambda: bank.ascend(1), {}),
    ("cause: a key", CHARGE, lambda: bank.from_a_key("acme"), {}),
    ("cause: a key", CHARGE, lambda: bank.from_a_key("globex"), {}),
    ("cause: a number", CHARGE, lambda: bank.from_a_number("twelve"), {}),
    ("cause of a cause", CHARGE, lambda: bank.from_two("acme"), {}),
    ("context", CHARGE, lambda: bank.while_another_is_handled(ValueError("x")), {}),
    ("context", CHARGE, lambda: bank.while_another_is_handled(OSError("y")), {}),
    ("group", CHARGE, lambda: bank.members(bank.raised(Declined("a")), bank.raised(Unreachable("b"))), {}),
    ("group", CHARGE, lambda: bank.members(bank.raised(Unreachable("c")), bank.raised(Declined("d"))), {}),
    ("group", CHARGE, lambda: bank.members(*(bank.raised(each("e")) for each in [Declined, Unreachable] * 3)), {}),
    ("another group", CHARGE, lambda: bank.members(bank.raised(Declined("a")), bank.raised(KeyError("b"))), {}),
    ("text", CHARGE, lambda: bank.in_text("raise LookupError('in text 17')"), {}),
    ("text", CHARGE, lambda: bank.in_text("\n\nraise LookupError('in text 18')"), {}),
    ("library alone", "json.loads", json.loads, {"without": True, "args": ("<html>",)}),
    ("timeout", CHARGE, lambda: bank.transfer(0, "slow"), {"kind": "timeout"}),
    ("timeout", CHARGE, lambda: bank.parse("slow"), {"kind": "timeout"}),
    ("killed", CHARGE, None, {"kind": "worker_lost", "command": "kill -KILL $$"}),
    ("killed", CHARGE, None, {"kind": "worker_lost", "command": "sh -c 'kill -KILL $$'; exit $?"}),
    ("crashed", CHARGE, None, {"kind": "worker_lost", "command": "kill -SEGV $$"}),
    ("gone without a trace", CHARGE, None, {"kind": "worker_lost"}),
    ("exit 1", "backup", None, {"kind": "exit_code", "command": "exit 1"}),
    ("exit 1", "backup", None, {"kind": "exit_code", "command": "echo out of room at $$ >&2; exit 1"}),
    ("exit 3", "backup", None, {"kind": "exit_code", "command": "exit 3"}),
    ("tagged", CHARGE, lambda: bank.transfer(-1, "tagged"), {"tag": "bank down"}),
    ("tagged", "shopapp.jobs.refund", lambda: bank.refund(1), {"tag": "bank down"}),
    ("no frame: template", CHARGE, None, {"error": LookupError("no row 4711 in '/srv/a/b.db' since 2026-01-02")}),
    ("no frame: template", CHARGE, None, {"error": LookupError("no row 12 in '/var/lib/x.db' since 2025-11-30")}),
    ("no frame: other words", CHARGE, None, {"error": LookupError("no column 4711")}),
]


def run(dispatcher, label, job, call, told):
    told = dict(told)
    args = told.pop("args", ())
    error = told.pop("error", None)
    if command := told.pop("command", None):
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        told["exit_status"] = done.returncode
        error = RuntimeError(done.stderr or f"status {done.returncode}")
    try:
        with dispatcher.begin(job, id=label) as execution:
            if tag := told.pop("tag", None):
                execution.tag(incident=tag)
            if told.pop("without", False):
                try:
                    call(*args)
                except Exception as raised:
                    # As a queue calls it: without a frame of the program's own.
                    raised.__traceback__ = raised.__traceback__.tb_next
                    execution.fail(raised)
            elif call is None:
                execution.fail(error or RuntimeError("it is gone"), **told)
            elif told:
                try:
                    call()
                except Exception as raised:
                    execution.fail(raised, **told)
            else:
                call()
    except Exception:  # noqa: S110 - it was reported, which is all that it is for
        pass


def main(config, installation):
    with Dispatcher.from_config(config) as dispatcher:
        for number, (incident, job, call, told) in enumerate(FAILURES):
            run(dispatcher, f"{incident} | {number} | {installation}", job, call, told)


main(*sys.argv[1:])
