"""One reporter's private path: what runs on its lane's thread.

Only this thread calls hooks and logs. It may hang or be lost at any time; whoever watches it replaces it.
"""
