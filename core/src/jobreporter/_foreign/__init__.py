"""Looking at objects that are not ours: within bounds, and without running more of their code than can't be helped."""
