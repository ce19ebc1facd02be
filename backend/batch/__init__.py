"""A batch: every row of a table answered by one assistant, as a run of the kind "batch".

start(runs, assistant, table, mapping, title)   checks everything a person can get wrong, then submits
work.work                                       the worker: answers.jsonl, a line per finished row
results                                         the table and its answers together: pages and files to keep
"""
