"""A run in its worker: trainer, checkpoints, best point, faults, several processes."""
