"""A run as a whole: planned, done stage by stage, merged, written down.

In comes a configuration; out comes the folder of a finished run, by way of an engine.
"""
