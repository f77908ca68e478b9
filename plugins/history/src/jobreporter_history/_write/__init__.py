"""Writing: a batch of events becomes rows, in one transaction, whatever its order and however often it comes."""
