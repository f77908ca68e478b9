"""``jobreporter top``: the history in a terminal.

`lines` is what a terminal shows, made by `overview`, `incident`, `job` and `execution` out of what they ask the store.
`app` shows it live; nothing but `app` and what is beside it imports Textual.
"""
