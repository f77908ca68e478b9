"""Schedules: when runs are due, whether they came, and telling of those that didn't."""
