"""What is kept of the shards of a run, and how it comes together.

In come the contents of shards, each with a commit that vouches for it; out come merged sums, exemplars and passages.
"""
