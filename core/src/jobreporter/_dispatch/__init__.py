"""What runs on the pump's thread, and what ties a dispatcher together.

The pump never logs and runs no reporter's code: a logging handler may hang, and a hook too.
"""
