"""From files to documents: plain text, JSON lines, Parquet and CoNLL-U, from files, folders, globs and URLs.

In come paths; out come documents, read as a stream, and the shards that they are cut into.
"""

from attnmetrics.corpus.document import DOCUMENT_LIMIT, Document, digest
from attnmetrics.corpus.files import File, find_files, is_gold, is_gold_corpus
from attnmetrics.corpus.readers import read_documents

__all__ = [
    "DOCUMENT_LIMIT",
    "Document",
    "File",
    "digest",
    "find_files",
    "is_gold",
    "is_gold_corpus",
    "read_documents",
]
