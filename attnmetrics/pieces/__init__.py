"""From annotated sentences to what a model reads: units of word pieces, with labels and links.

Nothing here runs a model; what is known of one is its tokenizer, and which pieces attend to which.
"""
