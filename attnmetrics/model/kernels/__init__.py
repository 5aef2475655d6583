"""The grammar of reductions, in three kernels that give the same: `dense`, `compiled`, `fused`.

In come queries and keys of one layer; out come its output and sums of rows, columns and linked pairs. α stays in here.
"""
