"""The pages: one file a subject. Each function runs on a thread of its own, since it asks the store."""
