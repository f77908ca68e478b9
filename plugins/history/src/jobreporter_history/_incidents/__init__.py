"""Incidents: which failures are one, and what is decided about them."""
