"""Runs compared with one another, from their folders alone."""
