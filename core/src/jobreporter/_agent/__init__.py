"""The process that reads a stream and runs reporters. Nothing but the command line imports it."""
