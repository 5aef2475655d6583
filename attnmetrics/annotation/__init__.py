"""From documents to annotated sentences, by a spaCy pipeline or from gold CoNLL-U, kept in a Parquet cache.

In come the documents of a shard; out come its sentences as columns of words, and what labels and links say of these.
"""
