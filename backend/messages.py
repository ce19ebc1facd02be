"""A message: who speaks, and what is said. The smallest noun of the house."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["system", "user", "assistant"]


class Message(BaseModel):
    """One turn of a conversation, in the shape that chat templates and chat APIs read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    content: str
