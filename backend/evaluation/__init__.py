"""The measuring stick: answers of assistants on held-out examples, scores, intervals, comparisons and verdicts."""
