"""What is read of two public treebanks, against what another reader, with no code in common, counted in them.

`ATTNMETRICS_TREEBANKS` names a folder with `en_ewt-ud-dev.conllu`, of UD English EWT, and
`en_gumcc-ud-{train,dev}.conllu`, the 114 documents of UD English GUM under free licences.
"""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from attnmetrics.annotation.conllu import ConlluAnnotator, LabelScan
from attnmetrics.annotation.sentence import Sentences
from attnmetrics.corpus import read_documents
from attnmetrics.measuring.maps.anaphors import CLASS_OF

TREEBANKS = os.environ.get("ATTNMETRICS_TREEBANKS")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(TREEBANKS is None, reason="ATTNMETRICS_TREEBANKS names no folder of treebanks"),
]

BASELINES = {
    "case": (2015, +1, 37.7), "nsubj": (1958, +1, 36.5), "det": (1817, +1, 59.6), "amod": (1326, +1, 74.7),
    "obj": (1211, -2, 35.8), "obl": (1001, -2, 19.0), "compound": (898, +1, 82.5), "nmod:poss": (391, +1, 58.1),
    "aux:pass": (162, +1, 82.7), "nsubj:pass": (154, +2, 41.6), "compound:prt": (74, -1, 74.3),
}  # fmt: skip
"""Of relations: words with it, the word offset at which most parents stand, and the percentage of those."""


def read(*names: str) -> Sentences:
    documents = list(read_documents([str(Path(TREEBANKS or "") / f"{name}.conllu") for name in names]))
    scan = LabelScan()
    for document in documents:
        scan.add(document)
    return ConlluAnnotator(scan.declared).annotate(documents).sentences


def test_mentions_of_gum() -> None:
    sentences = read("en_gumcc-ud-train", "en_gumcc-ud-dev")
    mentions, pos = sentences.mentions, sentences.columns["pos"].values()
    assert len(set(sentences.document)) == 114
    assert (len(mentions), int((mentions.of_entity > 1).sum())) == (31_073, 17_674)
    anaphors = Counter(CLASS_OF.get(pos[mentions.word[place]], "other") for place in np.flatnonzero(mentions.earlier))
    assert anaphors == {"nominal": 5504, "pronoun": 4412, "proper": 3142, "other": 245}


def test_offsets_of_ewt() -> None:
    sentences = read("en_ewt-ud-dev")
    rels = np.array(sentences.columns["rel"].values())
    first = np.repeat(sentences.word_offsets[:-1], np.diff(sentences.word_offsets))
    offset = sentences.word_head - (np.arange(len(rels)) - first)
    for rel, (number, best, percent) in BASELINES.items():
        found = Counter(offset[(rels == rel) & (sentences.word_head >= 0)].tolist())
        assert (found.total(), found[best]) == (number, max(found.values())), rel
        assert round(100 * found[best] / number, 1) == percent, rel
