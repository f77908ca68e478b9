"""The ground: time, waking a thread, greenlets, forks and exits. Knows nothing of jobs, events or reporters."""
