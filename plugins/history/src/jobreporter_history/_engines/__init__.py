"""The databases that the history can be kept in: one file each, and what they have in common."""
