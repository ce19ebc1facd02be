"""A tokenizer is opened while another thread imports transformers for the first time, as the page does at its start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from backend.settings import Settings

RACE = """
import sys, threading, time
from pathlib import Path
from backend.models import tokenizing  # imports nothing heavy

def first():
    import transformers

thread = threading.Thread(target=first)
thread.start()
while "transformers" not in sys.modules:
    time.sleep(0.0005)
time.sleep(0.05)
{opened}
thread.join()
"""


def test_a_first_import_elsewhere_is_waited_for(tmp_path: Path) -> None:
    starter = Settings(home=tmp_path).starter
    code = RACE.format(opened=f"assert tokenizing.Tokenizing.open(Path({str(starter)!r})) is not None")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
