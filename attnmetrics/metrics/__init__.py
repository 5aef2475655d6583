"""What is measured: families of sums and results, and the schema that a run makes of them. NumPy and SciPy only.

In come the labels and links of a run, and later its merged sums; out come the sums to take, and later the results.
"""
