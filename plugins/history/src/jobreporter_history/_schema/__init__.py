"""The tables: what they are, how they come into being, and how an old store becomes a new one."""
