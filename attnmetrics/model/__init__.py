"""A Transformer and its attention: load, align, pack, capture, reduce."""
