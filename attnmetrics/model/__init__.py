"""A Transformer and its attention: load, pack, capture, reduce.

In come word pieces; out come, of each layer, the reductions of attention.
"""
