"""The second paper's experiment, as `jobs/` has it: of a network, and on a small model; and what its report says."""

import json
from pathlib import Path
from typing import Any

import pytest
from models import save_model
from pages import page_data

import attnmetrics
from attnmetrics.config import build_config
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter
from attnmetrics.views.papers.claims import Row, compare
from attnmetrics.views.papers.clark_2019 import CLARK

JOB = Path(__file__).parents[2] / "jobs" / "clark-2019.yaml"
SENTENCES = (
    (("The", "DET", 2, "det", "(e1-p-1"), ("river", "NOUN", 3, "nsubj", "e1)"), ("floods", "VERB", 0, "root", ""),
     ("the", "DET", 5, "det", ""), ("hills", "NOUN", 3, "obj", ""), (".", "PUNCT", 3, "punct", "")),
    (("It", "PRON", 2, "nsubj", "(e1-p-1)"), ("made", "VERB", 0, "root", ""), ("a", "DET", 4, "det", "(e2-p-1"),
     ("lake", "NOUN", 2, "obj", "e2)"), (".", "PUNCT", 2, "punct", "")),
)  # fmt: skip
"""Words with tag, head, relation and what they say of an entity."""


def treebank(documents: int) -> str:
    lines = ["# global.Entity = eid-etype-head"]
    for document in range(documents):
        lines.append(f"# newdoc id = d{document}")
        for sentence in SENTENCES * 3:
            lines += [_line(n, *word) for n, word in enumerate(sentence, 1)] + [""]
    return "\n".join(lines) + "\n"


def _line(number: int, form: str, tag: str, head: int, relation: str, entity: str) -> str:
    misc = f"Entity={entity}" if entity else "_"
    return "\t".join([str(number), form, form.lower(), tag, "_", "_", str(head), relation, "_", misc])


def test_the_job_is_the_papers_experiment() -> None:
    config = build_config({}, JOB)
    assert (config.model, config.unit, config.segment_ids) == ("google-bert/bert-base-uncased", "pair:128", "zero")
    assert config.max_documents == 160


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("clark")
    save_model(made / "bert", "bert", layers=2, sharp=True)
    (made / "dev.conllu").write_text(treebank(4))
    return made


def measure(folder: Path, name: str, **options: Any) -> dict[str, Row]:
    """The job with these options, as its comments have them: each claim of the paper beside the run."""
    small = {"model": str(folder / "bert"), "corpus": str(folder / "dev.conllu"), "format": "conllu",
             "engine": "inline", "shard_characters": 600, "out": folder / name}  # fmt: skip
    facts = run(build_config({**small, **options}, JOB), Reporter(quiet=True))
    assert facts["corpus"]["shards"] > 1
    return {row.claim.name: row for row in compare(CLARK, attnmetrics.load(folder / name))}


def given(rows: dict[str, Row]) -> set[str]:
    return {row.claim.where for row in rows.values() if row.given}


def test_pairs_of_segments_give_the_surface_patterns(folder: Path) -> None:
    rows = measure(folder, "pairs", unit="pair:32")
    assert given(rows) >= {"Figure 1", "Figure 2", "Section 3", "Figure 4", "Figure 6"}
    to = rows["Figure 2: attention to [SEP]"].numbers
    assert len(to) == 2 and 0 < min(to) < max(to) < 1
    report = (folder / "pairs" / "report" / "index.html").read_text()
    assert "What Does BERT Look At?" in json.dumps(page_data(report)[0])


def test_windows_of_a_treebank_with_mentions_give_relations_and_coreference(folder: Path) -> None:
    rows = measure(folder, "words", unit="window:40", segment_ids="tokenizer")
    accuracy, share, offset, *_ = rows["Table 1: det"].numbers
    assert (share, offset) == (1.0, 1), "every determiner's noun is the next word"
    assert 0 <= accuracy <= 1
    assert rows["Table 1: dobj"].text.endswith("n = 24")
    assert not rows["Table 1: pobj"].given
    assert 0 < rows["Table 2: nearest other mention"].numbers[1] <= 1, "pronouns"
    assert given(rows) >= {"Table 1", "Notebook", "Table 2", "Figure 5"}
