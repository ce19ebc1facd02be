"""Training: fitting a model's weights to a project's examples, and telling honestly what that is worth.

config.py     TrainingConfig: everything that a run is asked to do, under the libraries' own names
start.py      a run, or one that goes on, put into the queue
rows/         examples and documents -> Rows: exactly the tokens that are trained on, and what is wrong with them
methods/      which methods there are (LoRA, DoRA, ..., last layers, full), the model with its trainable part, by PEFT
estimating/   memory, time and disk before the start, from a formula, earlier runs or a short probe
running/      the run: TRL's trainer in a worker, with checkpoints, stop, resume, curves and sample answers
telling/      what a run tells while it works and after it: curves, verdicts, history, a new assistant version
takeaway/     the run as YAML, as a Python script, as a model card, as merged weights
"""
