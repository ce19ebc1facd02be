"""From a question to passages.

values.py    what a search came to           fusing.py     two rankings into one
choosing.py  rerank by a cross-encoder, MMR  searching.py  the stages in their order
retrieval.py the indexes and models that a process keeps open
"""
