"""The job queues' own tests, run with jobreporter attached: what differs from a run without it, and why.

``nox -s peers`` runs all, ``nox -s "peers(celery)"`` one of them. Each queue is a module here, which says how it is
attached everywhere and what is known to differ, and a dependency group ``peers-NAME`` of the workspace, which says what
its tests need. The queue's sdist brings the tests.
"""
