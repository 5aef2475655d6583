from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from attnmetrics.annotation.conllu import FINGERPRINT, ConlluAnnotator, GoldSentence, LabelScan, check_columns, parse
from attnmetrics.annotation.sentence import Declared
from attnmetrics.corpus import Document
from attnmetrics.errors import AnnotationError, CorpusError


def scan_labels(documents: Iterable[Document]) -> Declared:
    """The tags and relations of CoNLL-U documents."""
    scan = LabelScan()
    for document in documents:
        scan.add(document)
    return scan.declared


def row(number: object, form: str, head: object = 0, misc: str = "_", upos: str = "X", rel: str = "dep") -> str:
    return f"{number}\t{form}\t_\t{upos}\t_\t_\t{head}\t{rel}\t_\t{misc}"


def span(number: str, form: str, misc: str = "_") -> str:
    return f"{number}\t{form}\t_\t_\t_\t_\t_\t_\t_\t{misc}"


def document(*lines: str, line: int = 1) -> Document:
    return Document("d", "\n".join(lines) + "\n\n", True, "a.conllu", line)


def one(*lines: str) -> GoldSentence:
    (sentence,) = parse(document(*lines))
    assert sentence is not None
    return sentence


def words(sentence: GoldSentence) -> list[str]:
    return [sentence.text[begin:end] for begin, end in sentence.spans]


def message(*lines: str) -> str:
    with pytest.raises(CorpusError) as error:
        list(parse(document(*lines, line=11)))
    return str(error.value)


def test_a_sentence() -> None:
    found = one(
        "# newdoc id = d",
        "# sent_id = d-1",
        "# text = They buy books.",
        "1\tThey\tthey\tPRON\tPRP\tCase=Nom\t2\tnsubj\t2:nsubj\t_",
        "2\tbuy\tbuy\tVERB\tVBP\t_\t0\troot\t0:root\t_",
        "3\tbooks\tbook\tNOUN\tNNS\t_\t2\tobj\t2:obj\tSpaceAfter=No",
        "4\t.\t.\tPUNCT\t.\t_\t2\tpunct\t2:punct\t_",
    )
    assert found == GoldSentence(
        "They buy books.",
        [(0, 4), (5, 8), (9, 14), (14, 15)],
        [1, -1, 1, 1],
        [
            ["1", "They", "they", "PRON", "PRP", "Case=Nom", "2", "nsubj", "2:nsubj", "_"],
            ["2", "buy", "buy", "VERB", "VBP", "_", "0", "root", "0:root", "_"],
            ["3", "books", "book", "NOUN", "NNS", "_", "2", "obj", "2:obj", "SpaceAfter=No"],
            ["4", ".", ".", "PUNCT", ".", "_", "2", "punct", "2:punct", "_"],
        ],
    )


# Normal forms

COMPOSED, APART = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(("text", "form"), [(COMPOSED, APART), (APART, COMPOSED), (APART, APART)])
def test_words_spell_the_text_in_any_normal_form(text: str, form: str) -> None:
    found = one(f"# text = Un {text}s.", row(1, "Un", 2), row(2, f"{form}s", 0), row(3, ".", 2))
    assert words(found) == ["Un", f"{text}s", "."]


def test_words_of_a_token_spell_it_in_any_normal_form() -> None:
    found = one(f"# text = {COMPOSED}-la", span("1-2", f"{COMPOSED}-la"), row(1, APART, 0), row(2, "-la", 1))
    assert words(found) == [COMPOSED, "-la"]


def test_letters_that_look_the_same_are_told_apart_in_the_error() -> None:
    with pytest.raises(CorpusError, match=r"U\+0430 in the text and U\+0061 in the word"):
        one("# text = c\u0430t", row(1, "cat", 0))


# Multiword tokens and empty nodes


def test_words_that_spell_their_token_cover_parts_of_it() -> None:
    found = one(
        "# text = I don't.",
        row(1, "I", 2),
        span("2-3", "don't", "SpaceAfter=No"),
        row(2, "do", 0),
        row(3, "n't", 2),
        row(4, ".", 2),
    )
    assert found.spans == [(0, 1), (2, 4), (4, 7), (7, 8)]
    assert found.head == [1, -1, 1, 1]


@pytest.mark.parametrize(
    ("token", "parts"),
    [("vámonos", ["vamos", "nos"]), ("im", ["in", "dem"]), ("Don't", ["do", "n't"]), ("du", ["de", "le"])],
)
def test_words_that_do_not_spell_their_token_cover_all_of_it(token: str, parts: list[str]) -> None:
    found = one(
        f"# text = ({token} x",
        row(1, "(", 2),
        span("2-3", token),
        row(2, parts[0]),
        row(3, parts[1], 2),
        row(4, "x", 2),
    )
    assert words(found) == ["(", token, token, "x"]


def test_a_sentence_of_one_multiword_token_and_rebuilt_text() -> None:
    rows = (span("1-2", "al", "SpaceAfter=No"), row(1, "a", 3), row(2, "el", 3), row(3, "mar"))
    found = one(*rows, span("4-4", "x"), row(4, "x", 3, "SpaceAfter=No"), row(5, "y", 3))
    assert found.text == "almar x y"
    assert words(found) == ["al", "al", "mar", "x", "y"]


def test_empty_nodes_are_left_out() -> None:
    found = one(
        span("0.1", "nobody"),
        row(1, "Sue", 2),
        row(2, "likes"),
        row(3, "coffee", 2),
        span("3.1", "likes"),
        span("3.2", "him"),
        row(4, "too", 2),
    )
    assert found.text == "Sue likes coffee too"
    assert found.head == [1, -1, 1, 1]


# Text


def test_text_is_spelled_from_words_without_the_comment() -> None:
    rows = (row(1, '"', 2, "SpaceAfter=No"), row(2, "Hi", 0, "Gloss=x|SpaceAfter=No"), row(3, "!", 2, "SpaceAfter=No"))
    assert one(*rows).text == '"Hi!'
    assert one(*rows, row(4, "10 000", 2, r"SpacesAfter=\n"), row(5, "x", 2)).text == '"Hi!10 000 x'


def test_inner_white_space_is_kept_and_outer_is_not() -> None:
    found = one("# text =   a  b\u00a010 000 ", row(1, "a"), row(2, "b", 1), row(3, "10\u00a0000", 1))
    assert found.text == "a  b\u00a010 000"
    assert words(found) == ["a", "b", "10 000"]


def test_windows_line_ends_and_blank_lines() -> None:
    text = f"# text = a\r\n{row(1, 'a')}\r\n\r\n \t\r\n{row(1, 'b')}\r\n"
    assert [s.text for s in parse(Document("d", text, True)) if s] == ["a", "b"]


def test_several_roots_and_labels_without_value() -> None:
    found = one(row(1, "a", 0, upos="_", rel="_"), row(2, "b", 0))
    assert (found.head, [(word[3], word[7]) for word in found.words]) == ([-1, -1], [("_", "_"), ("X", "dep")])


def test_comments_without_words_are_a_blank_sentence() -> None:
    lines = ("# a note", "", "# sent_id = 1", "# text = ", "", "# sent_id = 2", row(1, "x"), "", "# the end")
    assert [s and s.text for s in parse(document(*lines))] == [None, "x"]


# Errors


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["1\ta\t_\tX"],
            "line 12, sentence s: expected 10 columns (ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC), found 4",
        ),
        (["1 a _ X _ _ 0 root _ _"], "found 1; separate the columns by tabs"),
        ([row(1, "a") + "\t_"], "expected 10 columns (ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC), found 11"),
        ([row(1, "")], "expected a value in the column FORM of 1, found none"),
        ([row(1, "a", upos="")], "expected a value in the column UPOS of 1, found none"),
        (
            [row(1, "a"), row(3, "b", 1)],
            "line 13, sentence s: expected the id 2, a range from it (2-3) or an empty node (1.1), found '3'",
        ),
        ([row(2, "a")], "expected the id 1"),
        ([row("01", "a")], "expected the id 1"),
        ([row("x", "a")], "found 'x'; number the words from 1"),
        ([row(1, "a"), span("1.2", "b")], "or an empty node (1.1), found '1.2'"),
        ([row(1, "a"), span("1-2", "b"), row(2, "b", 1)], "expected the id 2"),
        ([span("2-1", "ab"), row(1, "a")], "expected the id 1, a range from it (1-2)"),
        ([span("1-2", "ab"), row(1, "a"), span("2-3", "c")], "expected the id 2"),
        (
            [span("1-3", "ab"), row(1, "a"), row(2, "b", 1)],
            "line 12, sentence s: expected words up to 3 for 'ab', found 2",
        ),
        ([span("0.1", "a")], "expected at least one word, found only empty nodes"),
        ([row(1, "a", "x")], "expected the head of word 1 to be a number from 0 to 1, found 'x'"),
        ([row(1, "a", 2)], "expected the head of word 1 to be a number from 0 to 1, found '2'"),
        ([row(1, "a", -1)], "expected the head of word 1 to be a number from 0 to 1, found '-1'"),
        ([row(1, "a", "٣")], "found '٣'"),
        ([row(1, "a", "9" * 5000)], "to be a number from 0 to 1"),
        ([row(1, "a", "_")], "expected the head of word 1 in the column HEAD, found _; annotate the dependencies"),
        (
            [row(1, "a", 0), row(2, "b", 2)],
            "line 13, sentence s: expected the head of word 2 to be another word or 0, found itself",
        ),
        (
            [row(1, "a", 0), row(2, "b", 3), row(3, "c", 2)],
            "line 13, sentence s: expected a tree, found a cycle of heads: 2 → 3 → 2",
        ),
        ([row(1, "a", 2), row(2, "b", 3), row(3, "c", 4), row(4, "d", 2)], "found a cycle of heads: 2 → 3 → 4 → 2"),
        (
            ["# text = one too three", row(1, "one"), row(2, "two", 1)],
            "line 14, sentence s: expected the words to spell the text, found 'two' where the text goes on with "
            "'too three' "
            "(character 5)",
        ),
        (
            ["# text = one", row(1, "one"), row(2, "two", 1)],
            "found 'two' where the text goes on with nothing (character 4)",
        ),
        (
            ["# text = one two", row(1, "one")],
            "line 13, sentence s: expected the words to spell the text, found no word for 'two'",
        ),
        (["# text = ", row(1, "one")], "found 'one' where the text goes on with nothing"),
    ],
)
def test_faults_are_named(lines: Sequence[str], expected: str) -> None:
    found = message("# sent_id = s", *lines)
    assert found.startswith("a.conllu, line 1") and expected in found


def test_the_line_counts_from_the_document_s_first() -> None:
    assert message(row(1, "a"), "", "", "# x", row(1, "b", 1)).startswith(
        "a.conllu, line 15: expected the head of word 1"
    )


@given(st.text(st.sampled_from("1234-.\t\n#_ ab0=text")) | st.text())
def test_any_text_parses_or_is_a_corpus_error(text: str) -> None:
    try:
        sentences = [s for s in parse(Document("d", text, True, "p")) if s]
    except CorpusError as error:
        assert str(error).startswith("p, line ")
    else:
        assert all(s.text == s.text.strip() and len(s.spans) == len(s.head) for s in sentences)


# Round trips

FORM = st.text(st.characters(codec="utf-8", exclude_categories=["Zs", "Zl", "Zp", "Cc", "Cs"]), min_size=1, max_size=5)
LABEL = st.sampled_from(["NOUN", "nsubj:pass", "_", "X"])


@st.composite
def sentences(draw: st.DrawFn) -> tuple[list[str], GoldSentence]:
    """The lines of a random sentence, and what they say."""
    tokens = draw(
        st.lists(
            st.tuples(st.lists(FORM, min_size=1, max_size=3), st.booleans(), st.booleans()), min_size=1, max_size=6
        )
    )
    forms = [form for parts, _, _ in tokens for form in parts]
    order = draw(st.permutations(range(len(forms))))
    head = [-1] * len(forms)
    for place, word in enumerate(order[1:], start=1):
        head[word] = draw(st.sampled_from([-1, *order[:place]]))
    pos, rel = (draw(st.lists(LABEL, min_size=len(forms), max_size=len(forms))) for _ in range(2))
    lines: list[str] = []
    spans: list[tuple[int, int]] = []
    text, number = "", 0
    for parts, spelled, space in tokens:
        token = "".join(parts) if spelled or len(parts) == 1 else "≠" + parts[0]
        assume(spelled or token != "".join(parts) or len(parts) == 1)
        misc = "_" if space else "SpaceAfter=No"
        if len(parts) > 1:
            lines.append(span(f"{number + 1}-{number + len(parts)}", token, misc))
        begin = len(text)
        for part in parts:
            lines.append(row(number + 1, part, head[number] + 1, misc, pos[number], rel[number]))
            whole = len(parts) > 1 and not spelled
            spans.append((len(text), len(text) + len(token)) if whole else (begin, begin + len(part)))
            begin += len(part)
            number += 1
        text += token + " " * space
    if draw(st.booleans()):
        lines.insert(0, f"# text = {text}")
    rows = [line.split("\t") for line in lines if line.split("\t")[0].isdigit()]
    return lines, GoldSentence(text.strip(), spans, head, rows)


@given(st.lists(sentences(), min_size=1, max_size=4))
def test_random_trees_come_back(drawn: list[tuple[list[str], GoldSentence]]) -> None:
    lines = [line for block, _ in drawn for line in (*block, "")]
    assert list(parse(document(*lines))) == [sentence for _, sentence in drawn]


# The annotator

FIRST = document(
    "# sent_id = 1", "", row(1, "a", 2, upos="NOUN", rel="nsubj"), row(2, "b", upos="VERB", rel="root"), "", row(1, "c")
)
SECOND = Document("e", "# sent_id = 1\n" + row(1, "dd", rel="_", upos="_"), True, "b.conllu", 1)


def test_words_lie_in_columns_with_the_offsets_of_their_sentences() -> None:
    annotated = ConlluAnnotator(scan_labels([FIRST, SECOND])).annotate([FIRST, Document("none", "", True), SECOND])
    found = annotated.sentences
    assert (found.document, found.text) == (("d", "d", "e"), ("a b", "c", "dd"))
    expected = {
        "document_index": [0, 0, 2],
        "sentence": [0, 1, 0],
        "word_offsets": [0, 2, 3, 4],
        "word_start": [0, 2, 0, 0],
        "word_end": [1, 3, 1, 2],
        "word_head": [1, -1, -1, -1],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(getattr(found, name), values, err_msg=name)
        assert getattr(found, name).dtype == np.int64
    assert found.columns["pos"].values() == ["NOUN", "VERB", "X", "_"]
    assert found.columns["rel"].values() == ["nsubj", "root", "dep", "_"]
    assert annotated.counts == {"documents": 3, "sentences": 3, "words": 4, "characters": 6, "sentences_blank": 1}


def test_no_document_is_no_sentence() -> None:
    annotated = ConlluAnnotator({"pos": ("_",), "rel": ("_",)}).annotate([])
    assert len(annotated.sentences) == 0
    np.testing.assert_array_equal(annotated.sentences.word_offsets, [0])


def test_labels_are_found_while_documents_stream_by() -> None:
    scan = LabelScan()
    assert scan.declared == {"pos": ("_",), "rel": ("_",)}
    assert scan.add(SECOND) == 1
    assert scan.declared == {"pos": ("_",), "rel": ("_",)}
    assert scan.add(FIRST) == 2
    assert scan.declared == {"pos": ("NOUN", "VERB", "X", "_"), "rel": ("dep", "nsubj", "root", "_")}
    assert scan.declared == scan_labels([FIRST, SECOND])


def test_the_fingerprint_does_not_depend_on_the_labels() -> None:
    assert (
        ConlluAnnotator(scan_labels([FIRST])).fingerprint
        == ConlluAnnotator(scan_labels([SECOND])).fingerprint
        == FINGERPRINT
    )


def test_all_ten_columns_are_kept() -> None:
    rows = document(
        "# text = Vámonos  al mar",
        "1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\tLang=es",
        "1\tVamos\tir\tVERB\tV\tMood=Imp|Number=Plur\t0\troot\t0:root\t_",
        "2\tnos\tnosotros\tPRON\tP\tCase=Acc,Dat\t1\tobj\t1:obj\tGloss=us",
        "3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_",
        "3\ta\ta\tADP\t\t \t5\tcase\t_\t_",
        "4\tl\tel\tDET\t_\t_\t5\tdet\t_\t_",
        "5\tmar\tmar\tNOUN\tN\t_\t1\tobl\t1:obl:a\tEntity=(1-place-1)|SpaceAfter=No",
    )
    found = ConlluAnnotator(scan_labels([rows])).annotate([rows]).sentences
    assert {name: column.values() for name, column in found.columns.items()} == {
        "form": ["Vamos", "nos", "", "", ""],
        "lemma": ["ir", "nosotros", "a", "el", "mar"],
        "pos": ["VERB", "PRON", "ADP", "DET", "NOUN"],
        "xpos": ["V", "P", "_", "_", "N"],
        "feats": ["Mood=Imp|Number=Plur", "Case=Acc,Dat", "_", "_", "_"],
        "rel": ["root", "obj", "case", "det", "obl"],
        "deps": ["0:root", "1:obj", "_", "_", "1:obl:a"],
        "misc": ["_", "Gloss=us", "_", "_", "Entity=(1-place-1)|SpaceAfter=No"],
    }
    assert found.word_head.tolist() == [-1, 0, 4, 4, 0]


@pytest.mark.parametrize("column", ["entity", "ext.fruit"])
def test_a_column_that_conllu_has_not_is_refused(column: str) -> None:
    check_columns({"lemma", "misc", "form"})
    with pytest.raises(
        AnnotationError, match=rf"found word\.{column}, which it has not; name a key .* word\.misc\.KEY"
    ):
        check_columns({"pos", column})
