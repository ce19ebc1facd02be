"""Task data: what the task is, its examples, how they come in, what is wrong with them, and how they are split."""
