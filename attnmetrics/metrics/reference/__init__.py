"""Every result once more, in plain float64 loops over one sentence at a time: slow, and meant to be obviously right.

Nothing is shared with the code that it checks, constants neither. Two things stay arrays, [layer, head], since every
head has the same pieces: a weight α[i,j] and a sum over such weights.
"""
