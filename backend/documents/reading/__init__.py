"""A file as text: its kind by its bytes, and a child process with limits in which strangers' files are parsed."""
