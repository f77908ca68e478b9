"""Whether a plugin is ready for others: what is looked at, the rules, and the tiers that they make."""
