"""A soak: random publishers against random reporters, and a ledger that has to agree with what both wrote down.

``nox -s soak`` runs it. Every decision comes from one seed, so a seed repeats a run; how its threads interleave is the
machine's to decide.
"""
