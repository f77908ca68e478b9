"""What is counted, and what it looks like: kept by one process, in a file, added up, and as prometheus_client's metrics."""
