"""What is measured: families of sums and results, and the schema that a run makes of them. NumPy and SciPy only."""
