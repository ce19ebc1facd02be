"""Whether the right passage is found: known questions, the measures, a table of retrievers, and a sweep.

questions   the project's known questions, each with the places that answer it
places      quotes found in a text; which passages hold a place
importing   questions out of a table (CSV)
measures    recall@k, nDCG@k, MRR@k of one question
measuring   every way of searching over all questions        told   the same of the active index, kept for the page;
            measuring_work is its run
comparing   means with their intervals, and what can be said of two ways of searching
sweep       sizes, overlaps, ways and k tried on one half of the questions, told on the other; sweep_work is its run
writing     questions proposed by a model out of drawn passages; writing_work is its run
answering   the same questions for the project's evaluation: answers with documents and without
"""
