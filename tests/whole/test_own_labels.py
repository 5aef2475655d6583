"""A label and a link of the user's, from the command line of an installed wheel, with nothing else touched.

The corpus is made here, as CoNLL-U; the reference reads the same words with loops.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from agreement import worst_ratios
from checks import outputs
from models import save_model
from pages import page_data
from reference_forward import attention_float64

import attnmetrics
from attnmetrics.errors import ConfigError
from attnmetrics.metrics.reference.pieces import label_pieces
from attnmetrics.metrics.reference.sentence import Sentence, Word
from attnmetrics.metrics.reference.twins import Reference

ROOT = Path(__file__).parents[2]
MODULE = '''
def same_lemma(sentence):
    """Every word, and the earlier ones with its lemma."""
    lemmas = [word.lemma for word in sentence.words]
    return [(a, b) for a in range(len(lemmas)) for b in range(a) if lemmas[a] == lemmas[b]]
'''
LEXICON = {  # form: lemma, part of speech, animacy
    "dogs": ("dog", "NOUN", "animal"), "dog": ("dog", "NOUN", "animal"), "she": ("she", "PRON", "human"),
    "her": ("she", "PRON", "human"), "stones": ("stone", "NOUN", ""), "saw": ("see", "VERB", ""),
    "sees": ("see", "VERB", ""), "the": ("the", "DET", ""), ".": (".", "PUNCT", ""),
}  # fmt: skip
TEXTS = (
    "she sees the dog .", "the dogs saw her .", "she saw the dog , the dogs saw the stones .", "dogs saw dogs .",
    "the stones saw her , she sees the stones .", "she .", "the dog sees the dog the dogs saw .", "stones .",
    "she saw her dog , her dog saw the stones and the dogs .", "her dogs .",
)  # fmt: skip
ANIMACY = ("animal", "human", "none", "_")


@dataclass(frozen=True)
class Gold:
    text: str
    lemmas: Sequence[str]
    animacy: Sequence[str]
    words: Sequence[Word]


def read(text: str) -> Gold:
    """Words between spaces, each the child of the one before."""
    forms = text.split(" ")
    known = [LEXICON.get(form, (form, "X", "")) for form in forms]
    start = np.cumsum([0, *(len(form) + 1 for form in forms)])
    words = [
        Word(int(start[n]), int(start[n]) + len(form), known[n][1], "root" if n == 0 else "dep", n - 1)
        for n, form in enumerate(forms)
    ]
    return Gold(text, [lemma for lemma, _, _ in known], [animacy or "none" for _, _, animacy in known], words)


def conllu(gold: Sequence[Gold]) -> str:
    blocks = []
    for number, one in enumerate(gold):
        lines = [f"# newdoc id = d{number // 2}"] if number % 2 == 0 else []
        for n, (form, word) in enumerate(zip(one.text.split(" "), one.words, strict=True)):
            misc = "Gloss=x" if one.animacy[n] == "none" else f"Animacy={one.animacy[n]}|Gloss=x"
            lines.append("\t".join([str(n + 1), form, one.lemmas[n], word.pos, "_", "_", str(n), word.rel, "_", misc]))
        blocks.append("\n".join([*lines, "", ""]))
    return "".join(blocks)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT]
    subprocess.run([*pip, *wheel], check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", file], check=True, capture_output=True)
    take_compiled_loops(folder / "site")
    return folder / "site"


def take_compiled_loops(site: Path) -> None:
    """Those of this checkout, which Numba knows by the time of their source file: compiling takes long."""
    own, theirs = (root / "attnmetrics" / "model" / "kernels" for root in (ROOT, site))
    shutil.copystat(own / "loops.py", theirs / "loops.py")
    for file in (own / "__pycache__").glob("loops.*.nb?"):
        shutil.copy2(file, theirs / "__pycache__" / file.name)


@pytest.fixture(scope="module")
def desk(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the user's: a corpus, a model, a module, and a run."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "gold.conllu").write_text(conllu([read(text) for text in TEXTS]))
    (folder / "my_links.py").write_text(MODULE)
    save_model(folder / "model", "gpt2", layers=2)
    start(folder, installed, "inline", "--engine", "inline")
    return folder


def start(folder: Path, installed: Path, out: str, *options: str) -> None:
    """Run the command line of the wheel."""
    command = [sys.executable, "-m", "attnmetrics", "run", "--model", "model", "--corpus", "gold.conllu",
               "--shard-characters", "300", "--label", "animacy=word.misc.Animacy",
               "--link", "same_lemma=python:my_links:same_lemma", "--exemplars", "3", "--similarity-rows", "all",
               "--out", out, *options]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_they_have_all_results_of_a_label_and_a_link(desk: Path) -> None:
    data = attnmetrics.load(desk / "inline")
    assert data["animacy_to"].dims == data["animacy_from"].dims == ("layer", "head", "animacy")
    assert tuple(data["animacy"].values) == ANIMACY
    of_heads = [f"same_lemma_{suffix}" for suffix in ("alignment", "expected", "excess", "attention")]
    for name in ("animacy_to", "animacy_from", *of_heads):
        assert data[f"{name}_by_layer"].dims == ("layer", *data[name].dims[2:])
    for name in ("animacy_to_uniform", "animacy_from_uniform"):
        assert data[name].dims == ("animacy",)
    for suffix in ("baseline", "alignment_uniform", "attention_uniform", "rows"):
        assert data[f"same_lemma_{suffix}"].dims == ()
    tables = {path.stem for path in (desk / "inline" / "tables").iterdir()}
    assert {"animacy_to", "animacy_from", "animacy"} <= tables
    assert "same_lemma_excess" in (desk / "inline" / "tables" / "heads.csv").read_text().splitlines()[0]
    page = json.dumps(page_data((desk / "inline" / "report" / "index.html").read_text())[0])
    assert all(f'"{name}"' in page for name in ("animacy_to", *of_heads))


def test_they_agree_with_the_reference(desk: Path) -> None:
    data = attnmetrics.load(desk / "inline")
    labels = {name: tuple(data[name].values) for name in ("pos", "rel", "special", "animacy")}
    links = {"dependency": True, "repeat": False, "induction": False, "same_lemma": False}
    expected = Reference(2, 4, True, labels, links)
    for number, text in enumerate(TEXTS):
        gold, attention = read(text), attention_float64(desk / "model", text)
        sentence = Sentence(
            text, gold.words, attention.spans, attention.ids, attention.template, frozenset({0}), attention.alpha,
            attention.added, cut=attention.cut, document=f"d{number // 2}", document_index=number // 2,
            sentence=number % 2,
        )  # fmt: skip
        places = range(len(gold.lemmas))
        pairs = frozenset((a, b) for a in places for b in places if b < a and gold.lemmas[a] == gold.lemmas[b])
        expected.add(label_pieces(sentence, {"animacy": gold.animacy}, {"same_lemma": pairs}))
    ratios = worst_ratios(data, expected)
    assert {"animacy_to", "same_lemma_excess_by_layer", "same_lemma_rows"} <= set(ratios)
    assert max(ratios.values()) <= 1, {name: ratio for name, ratio in ratios.items() if ratio > 1}
    assert (data["same_lemma_rows"] > 5) and (data["animacy_to"].sel(animacy="human") > 0).all()


@pytest.mark.cluster
def test_workers_give_the_same_bits(desk: Path, installed: Path) -> None:
    start(desk, installed, "ray", "--workers", "3")
    assert outputs(desk / "ray") == outputs(desk / "inline")


def test_another_label_over_a_cached_corpus_parses_nothing(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmetrics.engine.worker.Worker.annotate", lambda *_: pytest.fail("text was parsed"))
    found = attnmetrics.run(
        model=desk / "model", corpus=desk / "gold.conllu", out=desk / "again", engine="inline", shard_characters=300,
        annotations=desk / "inline" / "annotations", label={"gloss": "word.misc.Gloss"}, exemplars=3,
    )  # fmt: skip
    assert tuple(found["gloss"].values) == ("x", "_")


def test_a_key_that_no_word_has_ends_a_run_before_anything_is_measured(desk: Path) -> None:
    with pytest.raises(ConfigError, match=r"the key Gender of word\.misc\.Gender, found none among"):
        attnmetrics.run(
            model=desk / "model", corpus=desk / "gold.conllu", out=desk / "none", engine="inline",
            shard_characters=300, label={"gender": "word.misc.Gender"}, exemplars=3,
        )  # fmt: skip
    assert not (desk / "none" / "commits").exists()
