"""Probes: how much of a treebank's trees can be read off the attention between words.

sentences ──► features.py, vectors.py ──► the attention between words of each sentence, their vectors and trees
                                               │
blocks.py ──► tensors of sentences of one length, with attention or with what stands for it in a baseline
                                               │
probes.py ──► scores of heads ──► sums.py: loss and gradient, and what is right, of a shard: they add up
clark.py  ──► the paper's own training, sentence by sentence
"""
