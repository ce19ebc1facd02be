"""Prompts: templates with named variables, the library of tasks, decoding presets and the check-up."""
