"""What every attention head of a Transformer language model does, over any amount of text."""
