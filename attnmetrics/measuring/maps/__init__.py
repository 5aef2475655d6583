"""Families of sums over α itself: syntax, coreference, similarity."""
