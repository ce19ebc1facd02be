"""Where a project's texts go: what the files part says of it, from the settings in use. Nothing is promised here."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from backend.documents.index.settings import EMBEDDED, IndexSettings
from backend.errors import NotFound
from backend.models.endpoints import Endpoint
from backend.services import Services
from tabs.text import Words


def whereabouts_view(words: Words, settings: IndexSettings, server: Endpoint | None) -> str:
    """`server` is the embedding model's, None where it has none, or where its connection is gone."""
    t = words.t
    told = []
    if settings.embedding.kind == "endpoint":
        told += [t("docs.kept_gone")] if server is None else _server(words, server, "docs.kept_embedding")
    if settings.chroma != EMBEDDED and settings.embedding.kind != "none":
        told += _server(words, chroma_server(settings.chroma), "docs.kept_chroma")
    css = "dc-warning" if told else "note"
    line = " ".join([*(told or [t("docs.kept_here")]), t("docs.kept_answers")])
    return f'<p class="{css}">{escape(line)}</p>'


def _server(words: Words, server: Endpoint, key: str) -> list[str]:
    """What this server gets, and whether it runs on this machine."""
    near = [words.t("docs.kept_near")] if server.local else []
    return [words.t(key, name=server.name, host=urlsplit(server.url).netloc), *near]


def chroma_server(url: str) -> Endpoint:
    return Endpoint(id="", name="", url=url)


def embedding_server(services: Services, endpoint_id: str | None) -> Endpoint | None:
    try:
        return services.endpoints.get(endpoint_id or "")
    except NotFound:
        return None
