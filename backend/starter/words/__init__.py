"""Tables of words and sentences that the starter model is taught from, one JSON file each."""

import json
from pathlib import Path
from typing import Any


def load(name: str) -> Any:
    """The table `<name>.json` of this folder."""
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
