"""A run to take away: its config as YAML, a script without this studio, a model card, the adapter, merged weights."""
