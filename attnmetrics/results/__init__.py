"""A run's results as labelled tables that describe themselves, and its exemplars.

In come merged sums and the schema that they are of; out come a Dataset, CSV, and frames of sentences.
"""
