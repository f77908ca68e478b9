"""Reading: one file a subject. Nothing here changes anything."""
