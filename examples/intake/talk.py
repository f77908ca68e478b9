"""Lets the reporter `log` show: it writes through stdlib logging, and what shows is the application's choice, as always."""

import logging

log = logging.getLogger("jobreporter")
log.setLevel("INFO")
log.addHandler(logging.StreamHandler())
log.propagate = False
