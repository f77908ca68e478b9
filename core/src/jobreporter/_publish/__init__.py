"""What runs on a job's own thread.

Nothing here takes a lock, waits, or logs: a signal handler, a finalizer or a time limit may interrupt it anywhere, and
call it again.
"""
