"""The shell: arguments, assembly of the page, sign-in, serving. No logic of its own."""
