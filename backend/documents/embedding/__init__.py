"""Embedding models: which one an index has, and the open ones, in this process or on an endpoint."""
