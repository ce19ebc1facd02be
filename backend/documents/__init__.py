"""Documents: what a person hands over, read, cut into passages, found again, and cited.

values.py     what the parts hand each other: blocks, passages, what was found
kinds.py      which kind of file it is, told from its bytes; reading.py reads it in a child process with limits
readers/      one file per format: a path -> Parsed, blocks in reading order with pages and headings
store.py      the documents of a project and their states; intake.py how they come in (files, folders, ZIP)
splitting/    Parsed -> passages that respect headings, paragraphs, sentences and tables
indexing/     the run that reads, splits, embeds and stores what is new or changed
index/        one index of a project: passages with their words (BM25, keyword) and vectors (Chroma)
retrieving/   a question -> passages: keyword, BM25, dense, hybrid, rerank, MMR, filters
grounding/    passages in the prompt, citations in the answer, sentences that nothing supports
measuring/    recall@k, nDCG@10, MRR on known questions; a sweep over size, k and retriever
"""
