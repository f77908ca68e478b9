"""A class with ``async def`` hooks that ask for little, and return what must not become the state."""

from __future__ import annotations

from pathlib import Path

from jobreporter import ErrorInfo, Options, Stopped, hookimpl


class BriefOptions(Options):
    """``[reporters.brief]``."""

    path: str


class Brief:
    """Keeps what it heard in its own attributes, which are as fresh as the state at each start."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    async def reporter_start(self, options: BriefOptions) -> str:
        self.path = Path(options.path)
        return "the first state"

    @hookimpl
    async def handle_failure(self, error: ErrorInfo) -> str:
        self.heard.append(f"failure {error.type}")
        return "not a state, since it took none"

    @hookimpl
    def handle_stopped(self, state: str, meta: Stopped) -> None:
        self.heard.append(f"stopped after {meta.outcome}: {state}")

    @hookimpl
    async def reporter_stop(self) -> None:
        self.path.write_text("\n".join(self.heard))
