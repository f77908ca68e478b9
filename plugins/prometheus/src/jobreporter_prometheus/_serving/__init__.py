"""A page for scrapers: what they may ask for, and in how much of the process's time they get it."""
