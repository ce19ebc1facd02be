"""The settings of the process: one frozen value, read once from arguments and MATCHUM_* variables."""

from __future__ import annotations

from pathlib import Path

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ASSETS = Path(__file__).resolve().parent.parent / "assets"


def default_home() -> Path:
    """Where user data lives when nobody says otherwise: the platform's data folder, never the checkout."""
    return Path(platformdirs.user_data_dir("Matchum", appauthor=False))


class Settings(BaseSettings):
    """Of the process, not of one run. Every field can be given as MATCHUM_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="MATCHUM_", frozen=True, extra="forbid")

    home: Path = Field(default_factory=default_home)
    host: str = "127.0.0.1"
    port: int = Field(7860, ge=0, le=65535)
    share: bool = False
    offline: bool = False
    open_browser: bool = True
    root_path: str = ""
    max_upload_mb: int = Field(200, ge=1)
    memory_limit_mb: int | None = Field(None, ge=64)

    @property
    def starter(self) -> Path:
        """The folder of the practice model that ships."""
        return ASSETS / "starter"

    @property
    def models(self) -> Path:
        """Where downloaded models are kept."""
        return self.home / "models"
