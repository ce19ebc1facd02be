"""A model's answer as safe HTML: simple Markdown, no raw HTML, no picture that would call an outside host."""

from __future__ import annotations

from html import escape

from markdown_it import MarkdownIt

# `html: False` escapes tags, the link check refuses javascript: addresses, and without the image rule
# `![](http://...)` stays text: a page of ours never fetches what a model wrote.
READER = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).disable("image")


def prose(text: str) -> str:
    """The answer's Markdown as HTML. Links open in a page of their own and tell it nothing of ours."""
    html = str(READER.render(text))
    return html.replace("<a href=", '<a rel="noopener noreferrer nofollow" target="_blank" href=')


def plain(text: str) -> str:
    """Text as it was typed: every character itself, line breaks kept by the style."""
    return escape(text, quote=True)


def seen(text: str) -> str:
    """A token with its white space made visible: ␣ for a space at either end, ↵ for a line break, ⇥ for a tab."""
    if not text:
        return "∅"
    core = text.strip(" ")
    left = len(text) - len(text.lstrip(" "))
    right = len(text) - len(text.rstrip(" ")) if core else 0
    marked = "␣" * left + core + "␣" * right
    return escape(marked.replace("\r", "").replace("\n", "↵").replace("\t", "⇥"))
