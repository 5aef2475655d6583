"""One shard: what is measured of it, and its sums."""
