"""What Bugsink, a second server of Sentry's protocol that others wrote, makes of the reports: ``nox -s bugsink``.

It brings Django and many top-level modules of its own, so it has an environment of its own, and these tests are no part
of the others: their file is not called as pytest looks for it.
"""
