"""All logic of the studio. Imports neither gradio nor tabs nor studio."""
