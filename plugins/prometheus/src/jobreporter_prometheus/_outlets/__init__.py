"""How figures leave the process: each mode is one way."""
