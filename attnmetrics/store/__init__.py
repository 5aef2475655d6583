"""What is kept of the shards of a run, and how it comes together."""
