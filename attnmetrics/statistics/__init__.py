"""Pure mathematics over NumPy arrays: statistics (additive), states (mergeable), metrics (formulas over a merged state)."""
