"""Connections to OpenAI-compatible servers (vLLM, Ollama, LM Studio, hosted): names and addresses here, keys apart.

The addresses stand in <home>/endpoints.json, the keys in <home>/secrets.json, which only its owner can read. A
project and its exports know a connection by its id alone.
"""

from __future__ import annotations

import ipaddress
import secrets as random
import threading
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from backend.errors import BadInput, NotFound, StorageProblem, Unavailable
from backend.files import write_atomic
from backend.models.secrets import Secrets

LONGEST = 200


class Endpoint(BaseModel):
    """A connection as people see it. `url` is the base address, e.g. http://127.0.0.1:11434/v1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    url: str
    has_key: bool = False

    @property
    def local(self) -> bool:
        """Whether the server runs on this machine."""
        return _is_loopback(urlsplit(self.url).hostname or "")


_FILE = TypeAdapter(list[Endpoint])
Names = list[str]  # inside the class `list` is a method


class Endpoints:
    """The connections of one home folder. Every method may be called from any thread."""

    def __init__(self, home: Path, offline: bool = False) -> None:
        self._file = home / "endpoints.json"
        self._secrets = Secrets(home / "secrets.json")
        self._lock = threading.Lock()
        self.offline = offline

    def list(self) -> list[Endpoint]:
        """All connections, in the order in which they were added. Raises StorageProblem for a broken file."""
        try:
            return _FILE.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as fault:
            raise StorageProblem("error.endpoints_file", path=self._file.name) from fault

    def get(self, endpoint_id: str) -> Endpoint:
        """Raises NotFound("error.endpoint_missing")."""
        for endpoint in self.list():
            if endpoint.id == endpoint_id:
                return endpoint
        raise NotFound("error.endpoint_missing")

    def add(self, name: str, url: str, key: str | None = None) -> Endpoint:
        """Keep a connection. Raises BadInput for a name or an address that cannot be."""
        key = (key or "").strip()
        name, url = name.strip(), checked_url(url, bool(key))
        if not name or len(name) > LONGEST:
            raise BadInput("error.endpoint_name", longest=LONGEST)
        if not key.isascii() or not key.isprintable() or " " in key:
            raise BadInput("error.endpoint_key")
        with self._lock:
            known = self.list()
            if any(endpoint.name == name for endpoint in known):
                raise BadInput("error.endpoint_name_taken", name=name)
            endpoint = Endpoint(id=random.token_hex(6), name=name, url=url, has_key=bool(key))
            if key:
                self._secrets.put(endpoint.id, key)
            write_atomic(self._file, _FILE.dump_json([*known, endpoint], indent=2))
        return endpoint

    def remove(self, endpoint_id: str) -> None:
        """Forget a connection and its key. Raises NotFound."""
        with self._lock:
            self.get(endpoint_id)
            kept = [endpoint for endpoint in self.list() if endpoint.id != endpoint_id]
            write_atomic(self._file, _FILE.dump_json(kept, indent=2))
            self._secrets.remove(endpoint_id)

    def key(self, endpoint_id: str) -> str | None:
        """The key, for the one who sends the request."""
        return self._secrets.get(endpoint_id)

    def models(self, endpoint_id: str) -> Names:
        """The names of the server's models. Raises Unavailable, with a sentence for each way of failing."""
        from backend.models.endpoint_engine import listed_models

        return listed_models(self.reachable(endpoint_id), self.key(endpoint_id))

    def reachable(self, endpoint_id: str) -> Endpoint:
        """The connection, unless the studio was started without network and the server is elsewhere.

        Raises NotFound, Unavailable("error.endpoint_offline", endpoint=).
        """
        endpoint = self.get(endpoint_id)
        if self.offline and not endpoint.local:
            raise Unavailable("error.endpoint_offline", endpoint=endpoint.name)
        return endpoint


def checked_url(text: str, has_key: bool) -> str:
    """The base address as it is kept. A key travels over plain http only inside this machine or this network.

    Raises BadInput("error.endpoint_url") or BadInput("error.endpoint_plain_http").
    """
    text = text.strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError as fault:
        raise BadInput("error.endpoint_url", url=text[:LONGEST]) from fault
    fine = parts.scheme in ("http", "https") and host and not any(letter.isspace() for letter in text)
    if not fine or parts.username or parts.password or parts.query or parts.fragment or len(text) > 2000:
        raise BadInput("error.endpoint_url", url=text[:LONGEST])
    if parts.scheme == "http" and has_key and not _is_near(host):
        raise BadInput("error.endpoint_plain_http", url=text[:LONGEST])
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_near(host: str) -> bool:
    """This machine, a private address, or a name of the local network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.lower()
        return name == "localhost" or "." not in name or name.endswith((".local", ".lan", ".internal"))
    return address.is_private and not address.is_unspecified
