"""Pure mathematics over NumPy arrays: additive statistics, mergeable states, metrics as formulas over merged states."""
