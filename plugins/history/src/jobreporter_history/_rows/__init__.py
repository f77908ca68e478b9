"""Events as rows: everything here is computed from one event alone, and asks no database."""
