import pickle
import subprocess
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

from attnmetrics.annotation.conllu import ConlluAnnotator
from attnmetrics.annotation.functions import Functions, is_function
from attnmetrics.annotation.sentence import Sentences
from attnmetrics.annotation.sources import read_label, read_link
from attnmetrics.annotation.words import iterate
from attnmetrics.corpus import Document
from attnmetrics.errors import AnnotationError

TREEBANK = """# text = the cat saw the cats
1\tthe\tthe\tDET\tDT\tDefinite=Def\t2\tdet\t_\t_
2\tcat\tcat\tNOUN\tNN\tNumber=Sing\t3\tnsubj\t_\tAnimacy=yes
3\tsaw\tsee\tVERB\tVBD\t_\t0\troot\t_\t_
4\tthe\tthe\tDET\tDT\tDefinite=Def\t5\tdet\t_\t_
5\tcats\tcat\tNOUN\tNNS\tNumber=Plur\t3\tobj\t_\t_

# text = al mar
1-2\tal\t_\t_\t_\t_\t_\t_\t_\t_
1\ta\ta\tADP\tP\t_\t3\tcase\t_\t_
2\tel\tel\tDET\tD\t_\t3\tdet\t_\t_
3\tmar\tmar\tNOUN\tN\t_\t0\troot\t_\t_
"""
OWN = """
from dataclasses import dataclass

@dataclass
class Pair:
    one: "int"
    other: "int"

def length(sentence):
    return (str(word.end - word.start) for word in sentence.words)

def described(sentence):
    names = []
    for w in sentence.words:
        keys = f"{w.feats.get('Number')}.{w.misc.get('Animacy')}"
        names.append(f"{w.pos}.{w.rel}.{w.lemma}.{w.xpos}.{keys}.{w.head}")
    return names

def same_lemma(sentence):
    for i, one in enumerate(sentence.words):
        for j, other in enumerate(sentence.words):
            if one.lemma == other.lemma:
                yield Pair(i, j).one, j

def twice(sentence): return [(2, 0), [0, 1], (2, 0)]
def few(sentence): return ["a"] if "mar" in sentence.text else ["a"] * len(sentence.words)
def many(sentence): return ["a"] * 9
def text(sentence): return "abcde"
def numbers(sentence): return [1] * len(sentence.words)
def empty(sentence): return [""] * len(sentence.words)
def surrogate(sentence): return ["\\ud800"] * len(sentence.words)
def blank(sentence): return [" \\t"] * len(sentence.words)
def long(sentence): return ["x" * 201] * len(sentence.words)
def unordered(sentence): return {word.start for word in sentence.words}
def leaves(sentence): raise SystemExit(3)
def nothing(sentence): pass
def fails(sentence): return [{}["a key\\nin two lines"]]
def entity(sentence): return [word.entity for word in sentence.words]
def outside(sentence): return [(0, 3)]
def negative(sentence): return [(0, -1)]
def triple(sentence): return [(0, 1, 2)]
def words(sentence): return [(sentence.words[0], sentence.words[1])]
constant = 3
"""


@pytest.fixture(scope="module")
def sentences() -> Sentences:
    return ConlluAnnotator({}).annotate([Document("d", TREEBANK, True, "a.conllu", 1)]).sentences


@pytest.fixture
def find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Functions]:
    """Finds functions of a module `own_labels` in the working directory."""
    monkeypatch.chdir(tmp_path)

    def find(*names: str, text: str = OWN) -> Functions:
        (tmp_path / "own_labels.py").write_text(text)
        return Functions.find(f"python:own_labels:{name}" for name in names)

    return find


def test_a_label_is_what_the_function_gives(sentences: Sentences, find: Callable[..., Functions]) -> None:
    functions = find("length", "described")
    column = read_label("python:own_labels:length", sentences, functions)
    assert " ".join(column.values()) == "3 3 3 3 4 2 2 3"
    assert read_label("python:own_labels:described", sentences, functions).values()[1:3] == [
        "NOUN.nsubj.cat.NN.Sing.yes.2",
        "VERB.root.see.VBD.None.None.None",
    ]


def test_a_link_is_what_the_function_gives(sentences: Sentences, find: Callable[..., Functions]) -> None:
    functions = find("same_lemma", "twice")
    pairs = read_link("python:own_labels:same_lemma", sentences, functions)
    assert pairs.offsets.tolist() == [0, 4, 4]
    assert (pairs.attending.tolist(), pairs.attended.tolist()) == ([0, 1, 3, 4], [3, 4, 0, 1])
    pairs = read_link("python:own_labels:twice", sentences, functions)
    assert pairs.offsets.tolist() == [0, 2, 4] and pairs.attending.dtype == np.int64
    assert (pairs.attending.tolist(), pairs.attended.tolist()) == ([0, 2, 0, 2], [1, 0, 1, 0])


def test_no_sentence(sentences: Sentences, find: Callable[..., Functions]) -> None:
    none = sentences.take(np.array([], np.int64))
    functions = find("length", "twice")
    assert read_label("python:own_labels:length", none, functions).values() == []
    assert read_link("python:own_labels:twice", none, functions).offsets.tolist() == [0]


def test_sentences_and_words_are_as_the_annotation_has_them(sentences: Sentences) -> None:
    first, second = iterate(sentences)
    assert (first.text, len(first.words)) == ("the cat saw the cats", 5)
    cat = first.words[1]
    assert (cat.text, cat.start, cat.end, cat.head, cat.form, cat.lemma) == ("cat", 4, 7, 2, "cat", "cat")
    assert (dict(cat.feats), dict(cat.misc)) == ({"Number": "Sing"}, {"Animacy": "yes"})
    assert first.words[2].head is None
    assert [(word.text, word.form) for word in second.words] == [("al", "a"), ("al", "el"), ("mar", "mar")]


# What a function gives that is wrong


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("label", "few", "sentence 1 ('al mar'): expected 3 texts, one a word, found 1; correct the function"),
        ("label", "many", "sentence 0 ('the cat saw the cats'): expected 5 texts, one a word, found 9"),
        ("label", "text", "expected a list of 5 texts, one a word, found 'abcde'"),
        ("label", "unordered", "expected a list of 5 texts, one a word, found {"),
        (
            "label",
            "numbers",
            "expected a text of 1 to 200 characters, not all of them white space, for word 0, found 1",
        ),
        ("label", "empty", "white space, for word 0, found ''"),
        ("label", "blank", "white space, for word 0, found ' \\t'"),
        ("label", "long", "xxx… (201 characters); correct the function"),
        ("label", "surrogate", "UnicodeEncodeError: 'utf-8' codec can't encode"),
        ("label", "nothing", "expected a list of 5 texts, one a word, found None"),
        ("label", "leaves", "SystemExit: 3; correct the function"),
        ("label", "fails", "KeyError: "),
        ("label", "entity", "expected the column entity, found only deps, feats, form, lemma"),
        ("link", "outside", "sentence 1 ('al mar'): expected positions from 0 to 2, found the pair (0, 3)"),
        ("link", "negative", "expected positions from 0 to 4, found the pair (0, -1)"),
        ("link", "triple", "expected a pair of positions of words, found (0, 1, 2)"),
        ("link", "words", "expected a pair of positions of words, found (Word("),
        ("link", "numbers", "expected a pair of positions of words, found 1"),
        ("link", "nothing", "expected pairs of positions of words, found None"),
    ],
)
def test_errors_name_the_function_the_document_and_the_sentence(
    sentences: Sentences, find: Callable[..., Functions], kind: str, name: str, expected: str
) -> None:
    read = read_label if kind == "label" else read_link
    functions = find(name)
    with pytest.raises(AnnotationError) as error:
        read(f"python:own_labels:{name}", sentences, functions)
    assert str(error.value).startswith(f"python:own_labels:{name} failed on the document 'd', sentence ")
    assert expected in str(error.value) and "\n" not in str(error.value)


# Modules


def test_functions_that_are_not_there(find: Callable[..., Functions], tmp_path: Path) -> None:
    def message(*names: str, text: str = OWN) -> str:
        with pytest.raises(AnnotationError) as error:
            find(*names, text=text)
        return str(error.value)

    assert "expected a function other in the module own_labels, found nothing of that name" in message("other")
    assert "expected a function constant in the module own_labels, found a int of that name" in message("constant")
    assert "cannot import the module own_labels" in (found := message("f", text="import no_such_module_of_ours"))
    assert (
        "ModuleNotFoundError: No module named 'no_such_module_of_ours'; correct it, or install what it imports on"
        in found
    )
    assert "own_labels.py): SystemExit: 4; correct it" in message("f", text="import sys; sys.exit(4)")
    assert f"({tmp_path / 'own_labels.py'}): SyntaxError: " in message("f", text="def f(:")
    for source, expected in (
        ("python:no_such_module_of_ours:f", f"found none in {tmp_path} or on Python's path; run in the folder that"),
        ("python:no_such.module:f", "cannot find the module no_such.module: ModuleNotFoundError"),
        ("python:itertools:chain", "expected the source text of the module itertools, found none"),
        ("python:__main__:f", "the module __main__"),
    ):
        with pytest.raises(AnnotationError) as error:
            Functions.find([source])
        assert expected in str(error.value)


def test_the_digests_are_of_the_source_texts(find: Callable[..., Functions]) -> None:
    first = find("length").digests
    assert first == {"own_labels": blake2b(OWN.encode(), digest_size=16).hexdigest()} == find("twice").digests
    assert first != find("length", text=OWN + "\n").digests
    assert Functions.find(["word.pos"]).digests == Functions().digests == {}


def test_a_module_that_changed_is_read_anew(sentences: Sentences, find: Callable[..., Functions]) -> None:
    for name in ("a", "b"):
        functions = find("f", text=f"def f(sentence): return [{name!r}] * len(sentence.words)")
        assert functions.read_label("python:own_labels:f", sentences).names == (name,)
    assert "own_labels" not in sys.modules


def test_a_module_may_import_what_lies_beside_it(
    sentences: Sentences, find: Callable[..., Functions], tmp_path: Path
) -> None:
    (tmp_path / "beside_own_labels.py").write_text("name = 'x'")
    text = "import beside_own_labels\ndef f(sentence): return [beside_own_labels.name] * len(sentence.words)"
    assert find("f", text=text).read_label("python:own_labels:f", sentences).names == ("x",)


def test_a_function_may_import_when_it_is_called(
    sentences: Sentences, find: Callable[..., Functions], tmp_path: Path
) -> None:
    (tmp_path / "late_own_labels.py").write_text("def name(word): return word.pos")
    text = "def f(sentence):\n import late_own_labels\n return list(map(late_own_labels.name, sentence.words))"
    names = find("f", text=text).read_label("python:own_labels:f", sentences)
    assert names.values() == ["DET", "NOUN", "VERB", "DET", "NOUN", "ADP", "DET", "NOUN"]


def test_a_package_may_import_its_own_modules(
    sentences: Sentences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "package_of_labels"
    package.mkdir()
    (package / "names.py").write_text("name = 'x'")
    (package / "inner.py").write_text("from .names import name\ndef f(sentence): return [name] * len(sentence.words)")
    (package / "__init__.py").write_text("from .inner import f")
    for module in ("package_of_labels", "package_of_labels.inner"):
        source = f"python:{module}:f"
        assert Functions.find([source]).read_label(source, sentences).names == ("x",)


def test_functions_of_installed_modules_leave_these_as_they_are() -> None:
    textwrap = sys.modules.get("textwrap")
    assert Functions.find(["python:textwrap:dedent"]).get("python:textwrap:dedent")("  a") == "a"
    assert sys.modules.get("textwrap") is textwrap


def test_a_process_without_the_module_runs_the_text_that_travels(
    find: Callable[..., Functions], tmp_path: Path
) -> None:
    path = tmp_path / "functions.pickle"
    functions = find("same_lemma")
    path.write_bytes(pickle.dumps(functions))
    (tmp_path / "own_labels.py").unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = (
        "import pickle, sys; functions = pickle.load(open(sys.argv[1], 'rb')); "
        "print(functions.get('python:own_labels:same_lemma').__module__, functions.digests['own_labels'])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=elsewhere, check=True, capture_output=True, text=True
    )
    assert shown.stdout.split() == ["own_labels", functions.digests["own_labels"]]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("python:a:b", True),
        ("python:a.b.c:d_1", True),
        ("python:a", False),
        ("python:a:", False),
        ("python::b", False),
        ("python:a..b:c", False),
        ("python:a:b:c", False),
        ("word.pos", False),
    ],
)
def test_what_is_a_function(source: str, expected: bool) -> None:
    assert is_function(source) is expected
