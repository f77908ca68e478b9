"""A soak of the history: real workers of Celery and RQ that all keep theirs in one store, and are killed now and then.

``nox -s soak -- --history`` runs it. What has to be in the store is counted without it: the jobs write down that they run,
and what `Dispatcher.flush` said is delivered; a reporter beside the history writes down each event. Every decision comes
from one seed, so a seed repeats a run; when what happens is the machine's to decide.
"""
