"""arq's real worker beside sentry-sdk's integration for it: ``nox -s arq``.

It takes no redis-py newer than 5, so it has an environment of its own, and these tests are no part of the others: their file
is not called as pytest looks for it.
"""
