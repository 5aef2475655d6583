"""From documents to annotated sentences: by a spaCy pipeline or from gold CoNLL-U, kept in a Parquet cache."""
