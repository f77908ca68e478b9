"""``python -m jobreporter_prometheus rules`` and ``... dashboard``: print what is shipped, to be put where it is used."""

from __future__ import annotations

import sys
from importlib.resources import files

#: What may be asked for, and the file that it is.
SHIPPED = {"rules": "jobreporter.rules.yml", "dashboard": "dashboard.json"}


def main(words: list[str]) -> int:
    """Print what the one word names. Returns the exit code."""
    if len(words) != 1 or words[0] not in SHIPPED:
        sys.stderr.write(f"usage: python -m jobreporter_prometheus {{{','.join(SHIPPED)}}}\n")
        return 2
    sys.stdout.write(shipped(words[0]))
    return 0


def shipped(name: str) -> str:
    """The text of a shipped file."""
    return files(__package__).joinpath("shipped", SHIPPED[name]).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
