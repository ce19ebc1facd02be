"""The starter model: a tiny bilingual practice model that this package trains from scratch.

    python -m backend.starter --data DATA --corpus CORPUS --out assets/starter --minutes 60

`sources` reads the open data, `screen` keeps abuse out, `tokenizer` learns the pieces of words, `talk`, `reviews`,
`labels` and `reading` write episodes, `packing` lays them into rows, `model` builds the network, `train` runs it,
`export` writes the folder, and `measure` says how good it is. Everything can be made larger by `recipe`.
"""
