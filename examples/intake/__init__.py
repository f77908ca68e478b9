"""A small document intake: what is dropped into a folder is checked in, indexed, totalled and archived by jobs."""
