"""Files that several processes append to, each line in one write: a line that a kill has cut off is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec


def append(path: str | os.PathLike[str], content: Any) -> None:
    """Append one line. It begins with the line feed, so that what was cut off before it spoils nothing else."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, b"\n" + msgspec.json.encode(content) + b" ")
    finally:
        os.close(descriptor)


def read(path: Path) -> Iterator[Any]:
    """Every line that is whole."""
    content = path.read_bytes() if path.exists() else b""
    for line in content.split(b"\n"):
        if line.endswith(b" "):
            yield msgspec.json.decode(line)
