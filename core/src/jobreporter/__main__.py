"""``python -m jobreporter``: the command line."""

from jobreporter._cli import main

main(prog_name="jobreporter")
