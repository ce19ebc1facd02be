"""Training: fitting a model's weights to a project's examples, and telling honestly what that is worth.

config.py     TrainingConfig: everything that a run is asked to do, under the libraries' own names
methods.py    which methods there are (LoRA, DoRA, ..., last layers, full), what each costs, its PEFT config
data.py       examples -> Rows: exactly the tokens that are trained on, and which of them count for the loss
building.py   the model with its trainable part, by PEFT; saving.py what it leaves: an adapter folder
work.py       the run: `trl`'s trainer in a worker, with checkpoints, stop, resume, curves and sample answers
estimate.py   memory and time before the start, from a short probe
curves.py     what a run tells while it works, thinned for a page; history.py all runs of a project
outcome.py    from a run that ended to a new assistant version
takeaway.py   the run as YAML, as a Python script, as a model card, as merged weights
"""
