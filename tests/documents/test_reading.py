"""The child that reads: what it survives, what it gives up, and that one file's harm stays its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from backend.documents.reading import child as reading_child
from backend.documents.reading.encodings import clean
from backend.documents.reading.limits import MIB, Limits
from backend.documents.reading.reader import Reader, read
from backend.documents.reading.tidying import LONGEST
from backend.documents.values import lay
from backend.errors import BadInput, NotFound
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
FILES = Path(__file__).parent / "files"
LINE = "가나다라 마바사 아자차카 타파하. 이 문장은 길고 길어서 끝이 없습니다. "


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as reader:
        yield reader


def made(folder: Path, text: str | bytes, name: str = "original") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(reader: Reader, path: Path, name: str) -> BadInput:
    with pytest.raises(BadInput) as refused:
        reader.read(path, name)
    assert refused.value.details["name"] == name
    return refused.value


def test_one_child_reads_many_files(reader: Reader, tmp_path: Path) -> None:
    first = reader.read(made(tmp_path, "첫 문단\n\n둘째 문단"), "글.txt")
    pid = reader.pid
    assert [block.text for block in first.blocks] == ["첫 문단", "둘째 문단"]
    assert reader.read(FILES / "html_rich_table_cells.html", "오리.html").title == "Rich Table Cells in HTML"
    assert pid is not None and reader.pid == pid


def test_a_bad_file_does_not_cost_the_child(reader: Reader, tmp_path: Path) -> None:
    reader.read(made(tmp_path, "글"), "글.txt")
    pid = reader.pid
    assert refusal(reader, made(tmp_path, b""), "빈.txt").key == "error.document_empty"
    assert refusal(reader, FILES / "protected_agile.docx", "잠금.docx").key == "error.document_password"
    program = Path(sys.executable).resolve().read_bytes()[:200_000]
    assert refusal(reader, made(tmp_path, program), "계약서.docx").key == "error.document_kind_program"
    assert refusal(reader, made(tmp_path, " \n\u3000\n"), "공백.txt").key == "error.document_no_text"
    assert reader.read(made(tmp_path, "글"), "글.txt").blocks[0].text == "글"
    assert reader.pid == pid


def test_the_child_is_another_process_without_our_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SERVICE_API_KEY", "secret")
    with Reader() as reader:
        reader.read(made(tmp_path, "글"), "글.txt")
        child = psutil.Process(reader.pid)
        assert child.pid != os.getpid()
        assert "SOME_SERVICE_API_KEY" not in child.environ()
    assert not child.is_running()


def test_a_killed_child_costs_only_its_file(tmp_path: Path) -> None:
    large = made(tmp_path, LINE * 150_000, "large")
    small = made(tmp_path, "작은 글")
    with Reader() as reader:
        reader.read(small, "작은.txt")
        before = reader.pid
        assert before is not None

        def kill() -> None:
            if psutil.pid_exists(before):
                os.kill(before, signal.SIGKILL)

        with pytest.raises(BadInput) as refused:
            reader.read(large, "큰.txt", waiting=kill)
        assert refused.value.key == "error.document_crashed"
        assert reader.read(small, "작은.txt").blocks[0].text == "작은 글"
        assert reader.pid != before


def test_whoever_waits_can_end_the_reading(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def stop() -> None:
        raise Enough

    large = made(tmp_path, LINE * 150_000, "large")
    with Reader() as reader:
        with pytest.raises(Enough):
            reader.read(large, "큰.txt", waiting=stop)
        assert reader.pid is None
        assert reader.read(made(tmp_path, "글"), "글.txt").blocks[0].text == "글"


def test_texts_on_their_way_lie_where_they_are_swept(tmp_path: Path) -> None:
    results = tmp_path / "results"
    seen: list[Path] = []
    (results / "matchum-read-killed").mkdir(parents=True)
    (results / "matchum-read-killed" / "result.json").write_text("left by a kill")
    with Reader(results=results) as reader:
        assert not results.exists()
        large = made(tmp_path, LINE * 50_000, "large")
        parsed = reader.read(large, "글.txt", waiting=lambda: seen.extend(results.iterdir()))
    assert parsed.blocks and seen and list(results.iterdir()) == []


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    large = made(tmp_path, LINE * 200_000, "large")
    with Reader(Limits(seconds=0.3)) as reader:
        began = time.monotonic()
        reader.read(made(tmp_path, "글"), "글.txt")
        refused = refusal(reader, large, "느린.txt")
        assert refused.key == "error.document_timeout"
        assert time.monotonic() - began < 20
        assert reader.read(made(tmp_path, "글"), "글.txt").blocks[0].text == "글"


def test_a_file_that_takes_too_much_memory_is_given_up(tmp_path: Path) -> None:
    large = made(tmp_path, LINE * 300_000, "large")
    with Reader(Limits(memory=100 * MIB)) as reader:
        assert refusal(reader, large, "큰.txt").key == "error.document_memory"
        assert reader.read(made(tmp_path, "글"), "글.txt").blocks[0].text == "글"


def test_sizes_have_limits(tmp_path: Path) -> None:
    path = made(tmp_path, "글자가 많은 글입니다." * 1000)
    with Reader(Limits(characters=5_000)) as reader:
        assert refusal(reader, path, "긴.txt").key == "error.document_too_long"
    with Reader(Limits(file_bytes=1000)) as reader:
        assert refusal(reader, path, "큰.txt").key == "error.document_too_large"
        assert reader.pid is None  # not even opened


def test_a_missing_file_has_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as missing:
        read(tmp_path / "none", "없는.txt")
    assert missing.value.key == "error.document_missing"


@pytest.mark.parametrize("name", ["줄.txt", "줄.md", "줄.csv", "줄.html"])
def test_a_line_of_ten_megabytes(reader: Reader, tmp_path: Path, name: str) -> None:
    text = LINE * (10_000_000 // len(LINE.encode()))
    began = time.monotonic()
    parsed = reader.read(made(tmp_path, text), name)
    assert time.monotonic() - began < 40
    assert max(len(block.text) for block in parsed.blocks) <= LONGEST
    whole = " ".join(block.text for block in parsed.blocks) == text.strip()
    assert whole  # compared apart: a difference of ten megabytes takes minutes to be drawn


def test_the_child_ends_with_whoever_started_it(tmp_path: Path) -> None:
    path = made(tmp_path, "글")
    script = (
        "import sys, time; from pathlib import Path; from backend.documents.reading.reader import Reader\n"
        f"r = Reader(); r.read(Path({str(path)!r}), 'x.txt'); print(r.pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    starter.stdout.close()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, seconds=10)


def test_a_full_disk_is_no_fault_of_the_file(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    assert reading_child.deliver(Path("/dev/full"), b"{}") == "full"
    assert reading_child.deliver(tmp_path / "result", b"{}") == "done"


@pytest.mark.parametrize("path", sorted(p for p in FILES.iterdir() if p.suffix != ".md"), ids=lambda path: path.name)
def test_every_real_file_here_is_read_or_refused_in_a_sentence(reader: Reader, path: Path) -> None:
    try:
        parsed = reader.read(path, path.name)
    except BadInput as refused:
        assert refused.key != "error.document_unreadable" and refused.details["name"] == path.name
        return
    laid = lay(parsed)
    assert [laid.text[start:end] for start, end in laid.spans] == [block.text for block in parsed.blocks]
    assert all(block.text.strip() for block in parsed.blocks)
    assert all(clean(block.text) == block.text.strip("\n") for block in parsed.blocks if not block.rows)
    tables = [block for block in parsed.blocks if block.rows]
    assert all(block.text == "\n".join(" | ".join(row) for row in block.rows) for block in tables)


class _Counting(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(404)
        self.end_headers()


def test_nothing_is_fetched_and_nothing_is_run(reader: Reader, tmp_path: Path) -> None:
    asked: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (_Counting,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    at = f"http://127.0.0.1:{server.server_port}"
    page = (
        f'<!DOCTYPE html SYSTEM "{at}/dtd"><html><head><link rel=stylesheet href="{at}/css"><base href="{at}">'
        f'<script src="{at}/js"></script></head><body><p>본문 <img src="{at}/img" alt="그림 설명">'
        f'<iframe src="{at}/frame"></iframe><script>document.write("실행됨")</script><p onclick="x()">끝</body></html>'
    )
    try:
        parsed = reader.read(made(tmp_path, page), "page.html")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert not asked
    assert [block.text for block in parsed.blocks] == ["본문 그림 설명", "끝"]
    assert {note.name: note.details["count"] for note in parsed.notes} == {
        "scripts_left_out": "3",
        "images_left_out": "1",
    }


def test_the_child_talks_to_nobody() -> None:
    script = (
        "import socket, sys; from backend.documents.reading import child\n"
        "sys.addaudithook(child._no_network)\n"
        "connect = lambda: socket.create_connection(('127.0.0.1', 9))\n"
        "for ask in (connect, lambda: socket.getaddrinfo('localhost', 80)):\n"
        "    try: ask()\n"
        "    except PermissionError: print('refused')\n"
    )
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.stdout.split() == ["refused", "refused"], told.stderr


def test_entities_are_not_expanded(reader: Reader, tmp_path: Path) -> None:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY l0 "lol">{lines}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    parsed = reader.read(made(tmp_path, f"{bomb}<html><body><p>앞 &l9; &f; 뒤</p></body></html>"), "bomb.xhtml")
    text = "\n".join(block.text for block in parsed.blocks)
    assert "앞" in text and "뒤" in text
    assert "lollol" not in text and "root:" not in text


@pytest.mark.parametrize("name", ["nested.html", "nested.eml"])
def test_nesting_beyond_what_can_be_read_is_said_and_not_cut(reader: Reader, tmp_path: Path, name: str) -> None:
    deep = "<div>" * 20_000 + "<p>깊은 곳</p>"
    if name.endswith("eml"):
        deep = "From: a@b.c\nDate: x\n" + "Content-Type: message/rfc822\n\n" * 40 + "Subject: deep\n\n깊은 곳"
    assert refusal(reader, made(tmp_path, deep), name).key == "error.document_nested"
