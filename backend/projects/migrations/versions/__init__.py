"""One module per step; its number is the format of a project file."""
