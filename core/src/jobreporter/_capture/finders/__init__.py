"""What a text itself says to be secret: each module knows one way in which texts do.

A finder gets the text, and yields where a secret stands in it. Every pattern takes linear time: what it repeats is
possessive (``++``), bounded, or can't match what has to follow.
"""
