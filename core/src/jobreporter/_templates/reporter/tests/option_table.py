"""The table of options in the README, made from the class: ``python -m tests.option_table`` writes it there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
HEADING = "| option | takes | default | means |\n| --- | --- | --- | --- |\n"


def made() -> str:
    """The table as it should be: what ``jobreporter plugins`` knows of the options."""
    command = [sys.executable, "-m", "jobreporter", "plugins", "pigeon", "--json"]
    found = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return HEADING + "".join(map(_row, json.loads(found)["options"]))


def _row(option: dict[str, str]) -> str:
    default = "must be set" if option["required"] else f"`{option['default_toml'] or 'none'}`"
    return f"| `{option['name']}` | {option['toml_type']} | {default} | {option['description']} |\n"


def written() -> str:
    """The table as it is."""
    _, heading, rest = README.read_text(encoding="utf-8").partition(HEADING)
    return heading + rest.partition("\n\n")[0].removesuffix("\n") + "\n" if rest.startswith("|") else heading


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(written(), made()), encoding="utf-8")
