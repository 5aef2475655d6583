"""The grammar of reductions, in three kernels that give the same: `dense`, `compiled`, `fused`."""
