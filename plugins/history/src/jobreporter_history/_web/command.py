"""``jobreporter web``: serves the page."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import click

from jobreporter import JobReporterError, one_line, reporter_options
from jobreporter_history import HistoryOptions
from jobreporter_history.store import StoreError, open_store


@click.command(short_help="Serve the page: executions, incidents, jobs, reporters.")
@click.option("--store", "url", metavar="URL", help="The store itself, instead of that of the config.")
@click.option(
    "--reporter", metavar="NAME", default="history", show_default=True, help="The table [reporters.NAME] of the config."
)
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65_535), default=9791, show_default=True, help="0: one that is free.")
@click.option(
    "--allow-host", "allowed", metavar="NAME", multiple=True, help="A name under which the page is reached, besides."
)
@click.option(
    "--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Holds what has to be known."
)
@click.option("--auth-header", metavar="NAME", help="The header in which a proxy says who asks.")
@click.option("--trusted-proxy", "proxies", metavar="CIDR", multiple=True, help="Where such a proxy is.")
@click.option("--root-path", metavar="PATH", default="", help="The path under which the page is reached.")
@click.pass_obj
def web(
    config: str | None,
    *,
    url: str | None,
    reporter: str,
    host: str,
    port: int,
    allowed: tuple[str, ...],
    token_file: Path | None,
    auth_header: str | None,
    proxies: tuple[str, ...],
    root_path: str,
) -> None:
    """Serve the page of the history: what ran, what failed, what needs somebody.

    It only reads. At another address than this machine's own, it asks for a token or for a proxy that knows people.
    """
    try:
        from jobreporter_history._web.guard import LOOPBACK, Access
        from jobreporter_history._web.server import serve
    except ImportError as error:
        raise click.ClickException(f"the page needs {error.name}: pip install 'jobreporter-history[web]'") from error
    if bool(auth_header) != bool(proxies):
        raise click.UsageError("--auth-header and --trusted-proxy belong together: whose header is it, and who sets it")
    token = None if token_file is None else _token(token_file)
    if token is None and auth_header is None and not _is_loopback(host):
        raise click.UsageError(
            f"--host {one_line(host, 100)} is reached by others: give --token-file, or --auth-header with --trusted-proxy"
        )
    access = Access(
        hosts=(*LOOPBACK, host, *allowed), token=token, header=auth_header, proxies=[_network(each) for each in proxies]
    )
    try:
        store = open_store(url or reporter_options(reporter, HistoryOptions, config).store.reveal())
    except (JobReporterError, StoreError) as error:
        raise click.ClickException(one_line(str(error), 1000)) from error
    try:
        serve(store, host, port, root_path, access)
    except OSError as error:
        raise click.ClickException(f"{host}:{port}: {error.strerror or error}") from error
    finally:
        store.close()


def _token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise click.ClickException(f"--token-file {path}: {error}") from error
    if len(token) < 16:
        raise click.ClickException(f"--token-file {path}: the token has {len(token)} characters, and needs 16")
    return token


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise click.UsageError(
            f"--trusted-proxy {one_line(text, 100)} is no network: expected one such as 10.0.0.0/8 or 127.0.0.1"
        ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
