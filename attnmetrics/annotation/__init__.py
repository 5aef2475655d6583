"""From documents to annotated sentences: by a spaCy pipeline or from gold CoNLL-U, kept in a Parquet cache.

`sources.py` reads labels and links of words from them, `vocabulary.py` chooses the names that a label has in a run.
"""
