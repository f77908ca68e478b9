"""The command ``jobreporter pigeon``."""

from __future__ import annotations

import pytest
from jobreporter.testing import CommandLine

ADDRESS = "http://127.0.0.1:8000/jobs"


@pytest.fixture
def configured(cli: CommandLine) -> CommandLine:
    """A folder whose config enables the reporter."""
    cli.config(f'[reporters.pigeon]\nurl = "{ADDRESS}"\n')
    return cli


def test_it_shows_where_batches_go(configured: CommandLine) -> None:
    """The address, and nothing else."""
    done = configured.run("pigeon")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{ADDRESS}\n", "")


def test_a_table_that_is_not_there_is_an_error(configured: CommandLine) -> None:
    """It is told in a sentence."""
    done = configured.run("pigeon", "--reporter", "pigeons")
    assert done.returncode == 1
    assert "pigeons" in done.stderr
