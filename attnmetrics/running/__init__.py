"""A run as a whole: planned, done stage by stage, merged, written down."""
