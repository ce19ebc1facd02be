"""Documents cut into the passages that are found and cited.

settings    how large, how much of the one before
sentences   where sentences end, in Korean and English
units       headings, paragraphs, sentences and rows: what is kept whole where it fits
packing     units filled into passages
passages    a document in, its passages out
"""
