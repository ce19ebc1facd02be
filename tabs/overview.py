"""Being laid out."""

from __future__ import annotations

import gradio as gr

from backend.services import Services
from tabs.session import Session
from tabs.text import Words


def build(services: Services, words: Words, session: Session) -> None:
    gr.Markdown(words.t("header.tagline"))
