"""The records that readers get. `jobreporter_history.store` publishes them."""
