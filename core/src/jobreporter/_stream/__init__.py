"""How events leave the worker: encoded into batches, written to a spool or appended to a stream.

What is here runs on the thread of the lane ``stream``, or in an agent. It may wait, as a reporter may. sqlite3 is
imported nowhere: a worker never opens a database.
"""
