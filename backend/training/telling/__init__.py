"""What a run tells: its curves and samples, a verdict in words, all runs of a project, a new assistant version."""
