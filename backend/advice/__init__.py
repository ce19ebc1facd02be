"""What to do next: where a project stands, the one next step, and which method fits, with the reasons."""
