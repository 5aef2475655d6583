"""A Transformer and its attention: load, align, pack, capture, reduce.

In come annotated sentences; out come word pieces with labels and links, and of each layer the reductions of attention.
"""
