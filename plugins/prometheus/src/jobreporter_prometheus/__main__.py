"""``python -m jobreporter_prometheus``: print what is shipped, or serve the page of a directory."""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files
from pathlib import Path

#: What may be asked for, and the file that it is.
SHIPPED = {"rules": "jobreporter.rules.yml", "dashboard": "dashboard.json"}
#: What the rules say where their runbooks are.
RUNBOOKS = "https://jobreporter.readthedocs.io/en/stable/reporters/prometheus-runbooks/"


def main(words: list[str]) -> int:
    """Do what is asked for. Returns the exit code."""
    asked = parser().parse_args(words)
    if asked.command == "serve":
        from jobreporter_prometheus._serve import serve_as_asked

        return serve_as_asked(asked)
    text = shipped(asked.command)
    sys.stdout.write(text.replace(RUNBOOKS, asked.runbooks) if asked.command == "rules" else text)
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    made = argparse.ArgumentParser(prog="python -m jobreporter_prometheus")
    commands = made.add_subparsers(dest="command", required=True, metavar="{rules,dashboard,serve}")
    rules = commands.add_parser("rules", help="print the alert rules")
    rules.add_argument("--runbooks", default=RUNBOOKS, metavar="URL", help="where your copy of their runbooks is")
    commands.add_parser("dashboard", help="print the Grafana dashboard")
    serve = commands.add_parser("serve", help="serve what the processes of mode 'multiprocess' have counted together")
    serve.add_argument("--config", metavar="FILE", help="where the workers' config is (default: as they find it)")
    serve.add_argument(
        "--reporter", default="prometheus", metavar="NAME", help="whose table counts (default: prometheus)"
    )
    serve.add_argument("--directory", type=Path, help="the workers' directory: then no config is read")
    serve.add_argument("--host", help="where to serve it (default: as the config says, else this machine alone)")
    serve.add_argument("--port", type=port, help="the port to serve it on (default: as the config says, else 9790)")
    serve.add_argument(
        "--allow-host", dest="hosts", action="append", metavar="NAME", help="a name that it may be asked for by"
    )
    serve.add_argument("--token-file", type=Path, metavar="FILE", help="a file with what a scraper has to show")
    return made


def port(text: str) -> int:
    """A port. Raises ArgumentTypeError for what is none."""
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a number from 0 to 65535")
    return int(text)


def shipped(name: str) -> str:
    """The text of a shipped file."""
    return files(__package__).joinpath("shipped", SHIPPED[name]).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
