"""Values that merge: sums, best sentences, blocks of sampled units; and the hash that samples. NumPy and SciPy only.

In comes what a shard found; out comes the same of all shards, whichever way they were cut.
"""
