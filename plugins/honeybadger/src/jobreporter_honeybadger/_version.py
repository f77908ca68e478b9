"""The version of this distribution, for the server to see."""

__version__ = "0.1.0"
