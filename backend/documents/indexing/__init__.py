"""The run that reads documents, cuts them, and puts their passages into the project's index.

turn       one run at a time, for as long as its process lives
contents   which content of each document an index holds
start      what a page asks for
preparing  one document: read, told, cut
shown      which document is in hand, told in its row
writing    prepared documents into the index, many at once
work       the run itself
"""
