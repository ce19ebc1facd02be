"""A million rows of CSV into a project's examples: how many rows a second, and how much memory at the peak.

    python -m tests.benchmarks.importing            1,000,000 rows, about three minutes
    python -m tests.benchmarks.importing --full     and once more with near-duplicates looked for among 200,000

The work is done in a process of its own, whose peak is the operating system's own count (`ru_maxrss`).
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.report import Figure, report

ROWS = 1_000_000
LOOKED_OVER = 200_000
WORDS = [
    "배송", "주문", "환불", "결제", "카드", "문의", "상담", "교환", "취소", "영수증", "포인트", "회원", "가입",
    "탈퇴", "비밀번호", "주소", "변경", "확인", "요청", "오류", "화면", "설치", "예약", "일정", "가격", "할인",
    "쿠폰", "재고", "색상", "크기", "사용법", "보증", "수리", "방문", "시간", "매장", "직원", "친절", "포장",
    "파손",
]  # fmt: skip
LABELS = [f"갈래{number:02d}" for number in range(20)]


def write_table(path: Path, rows: int) -> None:
    """Short Korean sentences, each with its number so that none is there twice, a label and a group."""
    draw = random.Random(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["문장", "레이블", "지역"])
        for number in range(rows):
            text = " ".join(draw.choices(WORDS, k=6))
            writer.writerow([f"{text} {number}번 건입니다", draw.choice(LABELS), draw.choice(("서울", "부산", "대구"))])


def bring_in(path: str, look: bool) -> None:
    """The child: everything that the page does with a file, and its own measurements as JSON."""
    import resource

    from backend.examples.cleaning import look_over
    from backend.examples.importing import examples_of, guess_mapping, guess_task, read_source
    from backend.examples.store import ExampleStore
    from backend.projects.database import Database

    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "project.db", threading.Lock())
        database.create("benchmark")
        store = ExampleStore(database)
        start, worked = time.perf_counter(), time.process_time()
        source = read_source(Path(path))
        read_s = time.perf_counter() - start
        mapping = guess_mapping(source)
        guess = guess_task(source, mapping)
        guessed_s = time.perf_counter() - start - read_s
        added = store.add(examples_of(source, mapping, guess.task), "import")
        took_s = time.perf_counter() - start
        store.set_task(guess.task)
        cpu_s = time.process_time() - worked
        measured = {
            "rows": added.count,
            "s": took_s,
            "cpu_s": cpu_s,
            "read_s": read_s,
            "guess_s": guessed_s,
            "kind": guess.task.kind,
        }
        if look:
            del source
            start = time.perf_counter()
            measured |= {"findings": len(look_over(store)), "look_s": time.perf_counter() - start}
        database.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
    print(json.dumps(measured | {"peak_mb": peak * 1.048576 if sys.platform != "darwin" else peak / 1e6}))


def measured(folder: Path, rows: int, look: bool) -> dict[str, float]:
    """Run the child. Raises CalledProcessError with its words."""
    table = folder / "rows.csv"
    write_table(table, rows)
    command = [sys.executable, "-m", "tests.benchmarks.importing", "--child", str(table), *(["--look"] if look else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1_500)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1]) | {"file_mb": table.stat().st_size / 1e6}
    return found


def figures(full: bool) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), ROWS, False)
        detail: dict[str, object] = {
            name: round(value, 1) if isinstance(value, float) else value for name, value in found.items()
        }
        yield Figure("rows_per_s", round(found["rows"] / found["s"]), "rows/s", ">= 5000", detail)
        yield Figure("peak_mb", round(found["peak_mb"]), "MB", "<= 1500", detail)
        if full:
            looked = measured(Path(folder), LOOKED_OVER, True)
            told: dict[str, object] = {"rows": looked["rows"], "peak_mb": round(looked["peak_mb"])}
            yield Figure("look_over_s", round(looked["look_s"], 1), "s", "<= 120", told)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--full", action="store_true", help="look 200,000 examples over too")
    asked.add_argument("--child", metavar="TABLE", help=argparse.SUPPRESS)
    asked.add_argument("--look", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.child:
        bring_in(given.child, given.look)
    else:
        report(figures(given.full))


if __name__ == "__main__":
    main()
