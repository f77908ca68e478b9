"""How things are shown and asked for, on the page and in the terminal alike: numbers, times, states, and the query language."""
