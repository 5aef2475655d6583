"""Small treebanks to probe."""

from pathlib import Path

SENTENCE = """1	the	the	DET	_	_	2	det	_	_
2	old	old	NOUN	_	_	3	nsubj	_	_
3	saw	see	VERB	_	_	0	root	_	_
4	{word}	_	NOUN	_	_	3	obj	_	SpaceAfter=No
5	.	.	PUNCT	_	_	3	punct	_	_

"""


def treebank(path: Path, documents: int, relation: str = "obj") -> Path:
    words = ("river", "house", "city", "war", "king")
    parts = [
        f"# newdoc id = d{n}\n" + "".join(SENTENCE.format(word=word) for word in (words[n % 5], words[n % 3], "it"))
        for n in range(documents)
    ]
    path.write_text("".join(parts).replace("\tobj\t", f"\t{relation}\t"))
    return path
