"""One index of a project: its passages (SQLite), their words (tantivy) and their points (Chroma). All of it derived.

settings.py  how it is made; another way of making is another index, in a folder of its own
rows.py      the passages themselves, and which of them count: the truth that the other two follow
words.py     BM25 and keyword match        vectors.py  points in Chroma        scan.py  their copy, searched exactly
index.py     all of them together          filtering.py  filters where Chroma answers

A document is put in three steps, so that a kill at any moment neither loses nor doubles it: a number is drawn and kept
as unfinished; words and points are written under that number; one transaction makes its passages count and
marks what they replace as unfinished. What is unfinished is never found, and the next writer takes it away.
"""
