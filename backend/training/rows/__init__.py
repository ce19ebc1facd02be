"""What is trained on: examples and documents as token ids with their labels, checked, previewed and kept."""
