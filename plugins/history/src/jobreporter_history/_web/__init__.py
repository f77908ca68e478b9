"""The page: what the history knows, for people who look. Only this package needs the extra ``web``."""
