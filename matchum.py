"""The console command `matchum` of `pip install -e .`.

Unsloth's wheel brings a top-level package called `studio` as well, and an editable install is looked at after
site-packages. So this checkout is put in front before ours is imported, here and for child processes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    checkout = str(Path(__file__).resolve().parent)
    sys.path.insert(0, checkout)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [checkout, os.environ.get("PYTHONPATH")]))
    from studio.__main__ import main as serve

    return serve() or 0
