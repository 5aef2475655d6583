"""Labelled tables of a run, and its exemplars."""
