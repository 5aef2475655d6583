"""What ships with the package: a small trained model, a trained English pipeline, an English corpus.

Each has a card beside it with its data, recipe, measured quality and licence.
"""

from pathlib import Path

ASSETS = Path(__file__).parent
MODELS = {"demo": ASSETS / "model"}
CORPORA = {"demo": ASSETS / "corpus.jsonl"}
PIPELINES = {"en_ud_core": ASSETS / "pipeline"}
