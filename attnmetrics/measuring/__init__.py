"""One shard: what is measured of it, and its sums. No Ray, no disk.

In come a shard's units and a model; out come its state, its exemplars and the passages behind these.
"""
