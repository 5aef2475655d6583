"""What a run would read, and what it would cost: rates from a short trial with the real pipeline and the real model."""




TRIAL_CHARACTERS = 40_000
"""Enough text for rates that are right within a factor of two."""
