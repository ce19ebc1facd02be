"""Grounding: passages in the prompt as quoted material, citations in the answer, sentences that nothing supports.

source.py      where passages come from: a Protocol, and the one of a project
values.py      what stands in a trace: quoted passages, what was cut, citations, checked sentences
quoting.py     the material as text: numbered, every line of it marked as quoted, in the template's language
suspicion.py   what in a passage speaks to the model rather than to the reader
fitting.py     how much of it the model can hold, and what is cut
grounding.py   retrieval, fitting and quoting of one question, as `Answering` uses it
rewriting.py   a follow-up question written out by the model
citing.py      [1], [2, 3], [1-3] in an answer
supporting.py  which sentences of an answer the passages support
unknowing.py   which sentences say that the documents do not tell
figures.py     citation precision and recall, unsupported sentences: of one answer and of many
content.py     names what the project's documents hold now, for the fingerprint of an assistant
"""
