"""What is handed over: kept under its content, told apart from what is there, refused with a reason."""

from __future__ import annotations

import hashlib
import resource
import stat
import struct
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from backend.documents.shelf import archive, intake, keeping
from backend.documents.shelf.filters import DocumentFilter
from backend.documents.shelf.intake import Brought, bring
from backend.documents.shelf.names import file_name, folder_name
from backend.errors import BadInput, NotFound
from backend.projects.folder import Project
from backend.projects.projects import Projects
from tests.documents.containers import deep_ole, package_with_broken_mimetype

FILES = Path(__file__).parent / "files"


def texts(folder: Path, **named: str) -> list[tuple[Path, str]]:
    """Files with these texts, called by the names."""
    found = []
    for name, text in named.items():
        path = folder / f"upload-{len(list(folder.iterdir()))}"
        path.write_text(text, encoding="utf-8")
        found.append((path, f"{name}.txt"))
    return found


def zipped(folder: Path, *entries: tuple[str | zipfile.ZipInfo, bytes | str]) -> tuple[Path, str]:
    path = folder / "folder.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for entry, content in entries:
            made.writestr(entry, content)
    return path, "자료.zip"


def refused(brought: Brought) -> dict[str, str]:
    return {name: key for name, key, _ in brought.refused}


def places(project: Project) -> list[str]:
    return [document.place for document in project.documents.list()]


# --- files


def test_a_file_is_kept_as_its_bytes_and_queued(project: Project) -> None:
    (document,) = bring(project, [(FILES / "SimpleTable.hwpx", "C:\\fake\\표.hwpx")], " 계약 / 2026 ").added
    raw = (FILES / "SimpleTable.hwpx").read_bytes()
    assert (document.name, document.folder, document.kind, document.state) == ("표.hwpx", "계약/2026", "hwpx", "queued")
    assert (document.size, document.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
    assert project.documents.original(document).read_bytes() == raw
    assert project.documents.original(document).relative_to(project.files).parts[2] == "original"
    with pytest.raises(NotFound, match="documents_not_read"):
        project.documents.parsed(document)


def test_the_same_file_is_noticed_under_any_name(project: Project, tmp_path: Path) -> None:
    first = bring(project, texts(tmp_path, 보고="같은 글"))
    again = bring(project, texts(tmp_path, 보고="같은 글", 사본="같은 글"), "")
    elsewhere = bring(project, texts(tmp_path, 보고="같은 글"), "폴더")
    assert [name for name, _ in (*again.same, *elsewhere.same)] == ["보고.txt", "사본.txt", "보고.txt"]
    assert {document.id for _, document in (*again.same, *elsewhere.same)} == {first.added[0].id}
    assert again.queued == elsewhere.queued == () and places(project) == ["보고.txt"]


def test_a_changed_file_replaces_what_had_its_name(project: Project, tmp_path: Path) -> None:
    (old,) = bring(project, texts(tmp_path, 보고="옛 글")).added
    project.documents.set_tags(old.id, ["중요"])
    (new,) = bring(project, texts(tmp_path, 보고="새 글")).replaced
    assert (new.id, new.tags, new.state, new.created) == (old.id, ("중요",), "queued", old.created)
    assert project.documents.original(new).read_text(encoding="utf-8") == "새 글"
    assert not project.documents.kept.folder(old.sha256).exists()
    assert not project.documents.set_state(old, "indexed") and project.documents.get(new.id).state == "queued"


def test_content_that_another_document_has_stays_for_it(project: Project, tmp_path: Path) -> None:
    first, second = bring(project, texts(tmp_path, 가="글 하나", 나="글 둘")).added
    (changed,) = bring(project, texts(tmp_path, 가="글 둘")).replaced
    assert changed.sha256 == second.sha256 and changed.id == first.id
    bring(project, texts(tmp_path, 가="글 셋"))
    assert project.documents.original(second).read_text(encoding="utf-8") == "글 둘"


def test_lost_bytes_come_back_with_the_same_file(project: Project, tmp_path: Path) -> None:
    (document,) = bring(project, texts(tmp_path, 보고="글")).added
    project.documents.original(document).unlink()
    with pytest.raises(NotFound, match="documents_file_missing"):
        project.documents.original(document)
    assert bring(project, texts(tmp_path, 보고="글")).same
    assert project.documents.original(document).is_file()


def test_what_cannot_be_read_is_refused_and_the_rest_goes_on(project: Project, tmp_path: Path) -> None:
    program, empty = tmp_path / "a", tmp_path / "b"
    program.write_bytes(b"MZ\x90\0" + bytes(200))
    empty.write_bytes(b"")
    uploads = [(program, "계약서.docx"), (empty, "빈.txt"), (tmp_path / "gone", "없다.txt"), *texts(tmp_path, 글="글")]
    brought = bring(project, uploads)
    assert refused(brought) == {
        "계약서.docx": "error.document_kind_program",
        "빈.txt": "error.document_empty",
        "없다.txt": "error.documents_upload_lost",
    }
    assert places(project) == ["글.txt"]
    assert [path for path in project.documents.kept.root.iterdir() if path.name.startswith(".")] == []


def test_a_file_that_is_too_large_leaves_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "LARGEST", 10)
    assert refused(bring(project, texts(tmp_path, 큰="열두 글자가 넘는 글"))) == {
        "큰.txt": "error.documents_file_large"
    }
    assert list(project.documents.kept.root.iterdir()) == []


def test_a_full_disk_is_a_sentence_and_what_came_before_stays(project: Project, tmp_path: Path) -> None:
    uploads = texts(tmp_path, 가="짧은 글", 나="긴 글 " * 400_000)
    project.documents.list()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, hard))
    try:
        brought = bring(project, uploads)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refused(brought) == {"나.txt": "error.disk_full"} and places(project) == ["가.txt"]
    assert len(list(project.documents.kept.root.iterdir())) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
def test_a_change_that_cannot_be_noted_leaves_the_old_file_as_it_was(project: Project, tmp_path: Path) -> None:
    (old,) = bring(project, texts(tmp_path, 보고="옛 글")).added
    uploads = texts(tmp_path, 보고="새 글", 딴="딴 글")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # room for the bytes, none in the database's log
    try:
        brought = bring(project, uploads)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert set(refused(brought)) == {"보고.txt", "딴.txt"} and project.documents.get(old.id) == old
    assert project.documents.original(old).read_text(encoding="utf-8") == "옛 글"
    project.documents.sweep()
    assert [path.name for path in project.documents.kept.root.iterdir()] == [old.sha256]


def test_what_a_kill_left_goes_with_the_next_upload(project: Project, tmp_path: Path) -> None:
    (first,) = bring(project, texts(tmp_path, 가="글 하나")).added
    root = project.documents.kept.root
    for name in ("0" * 64, f".12{keeping.GONE}", ".34.part"):
        (root / name).mkdir()
        (root / name / "original").write_text("남은 것", encoding="utf-8")
    bring(project, [])
    assert {path.name for path in root.iterdir()} == {first.sha256, ".34.part"}  # somebody may be writing the last


def test_what_a_kill_left_is_not_handed_on(projects: Projects, project: Project, tmp_path: Path) -> None:
    (document,) = bring(project, texts(tmp_path, 가="글 하나")).added
    left = project.documents.kept.folder("0" * 64)
    left.mkdir()
    (left / "original").write_text("남은 것", encoding="utf-8")
    with zipfile.ZipFile(projects.export_zip("owner", project.id)) as exported:
        names = [name for name in exported.namelist() if name.startswith("files/documents/")]
    assert names == [f"files/documents/{document.sha256}/original"]


def test_a_draft_that_ends_while_it_is_looked_at_stops_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(project, texts(tmp_path, 가="글"))
    gone = project.documents.kept.root / ".56.part"
    monkeypatch.setattr(Path, "glob", lambda *_: iter([gone]))
    assert bring(project, texts(tmp_path, 나="다른 글")).added


def test_many_at_once_come_in_once_each(project: Project, tmp_path: Path) -> None:
    uploads = texts(tmp_path, **{f"글{n}": f"글 {n % 5}" for n in range(20)})
    threads = [threading.Thread(target=bring, args=(project, uploads)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({document.sha256 for document in project.documents.list()}) == project.documents.count() == 5


# --- names


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\a\\b.pdf", "b.pdf"),
        ("a\0b\n.txt", "a b .txt"),
        ("보고서\u202efdp.exe", "보고서 fdp.exe"),
        ("각.txt".encode().decode(), "각.txt"),
        ("..", "?"),
        ("", "?"),
        ("가" * 300 + ".hwp", "가" * 196 + ".hwp"),
    ],
)
def test_names_are_for_people(name: str, shown: str) -> None:
    assert file_name(name) == shown == file_name(shown)


def test_folders_are_for_people() -> None:
    assert folder_name("/가//./../나\\다/") == "가/나/다"
    assert folder_name("..") == ""


# --- archives


def test_a_zip_brings_its_folders(project: Project, tmp_path: Path) -> None:
    upload = zipped(
        tmp_path,
        ("계약/2026/임대.txt", "임대 계약"),
        ("계약/", b""),
        ("메모.md", "# 메모"),
        ("__MACOSX/계약/._임대.txt", b"\0\1"),
        ("계약/.DS_Store", b"\0\1"),
        ("Thumbs.db", b"\0\1"),
    )
    brought = bring(project, [upload], "받은 것")
    assert places(project) == ["받은 것/자료/메모.md", "받은 것/자료/계약/2026/임대.txt"] and brought.refused == ()
    assert {document.source for document in brought.added} == {"자료.zip"}
    again = bring(project, [upload], "받은 것")
    assert len(again.same) == 2 and again.queued == ()


def test_what_lies_loose_in_a_zip_replaces_no_other_file(project: Project, tmp_path: Path) -> None:
    loose = zipped(tmp_path, ("보고.txt", "묶인 글"), ("보고/표.txt", "묶인 표"))
    brought = bring(project, [*texts(tmp_path, 보고="따로 온 글"), loose])
    assert places(project) == ["보고.txt", "자료/보고.txt", "자료/보고/표.txt"] and brought.replaced == ()


def test_a_zip_with_one_folder_of_its_own_keeps_it(project: Project, tmp_path: Path) -> None:
    bring(project, [zipped(tmp_path, ("계약/임대.txt", "임대"), ("계약/2026/매매.txt", "매매"), ("../x.txt", "나쁜"))])
    assert places(project) == ["계약/임대.txt", "계약/2026/매매.txt"]


def test_a_hostile_file_costs_only_itself(project: Project, tmp_path: Path) -> None:
    """What the parsers of containers do not foresee: broken packing, a list of parts that is thousands deep."""
    packed = package_with_broken_mimetype()
    uploads = [(tmp_path / "a", "책.epub"), (tmp_path / "b", "표.xls"), *texts(tmp_path, 글="글")]
    uploads[0][0].write_bytes(packed)
    uploads[1][0].write_bytes(deep_ole(3_000))
    assert set(refused(bring(project, uploads)).values()) == {"error.document_damaged"}
    assert places(project) == ["글.txt"]


def test_names_of_korean_windows_are_read(project: Project, tmp_path: Path) -> None:
    path, name = zipped(tmp_path, ("xxxx.txt", "하나"), ("yyyyyy.txt", "둘"))
    raw = path.read_bytes()
    raw = raw.replace(b"xxxx", "한글".encode("cp949")).replace(b"yyyyyy", "이름".encode())
    path.write_bytes(raw)
    bring(project, [(path, name)])
    assert places(project) == ["자료/이름.txt", "자료/한글.txt"]


def test_paths_out_of_an_archive_and_links_are_refused(project: Project, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    upload = zipped(
        tmp_path,
        ("../../나쁜.txt", "나쁜 글"),
        ("/etc/cron.d/나쁜", "나쁜 글 둘"),
        ("C:/나쁜.txt", "나쁜 글 셋"),
        ("a\\..\\..\\나쁜.txt", "나쁜 글 넷"),
        (link, "/etc/passwd"),
        ("좋은.txt", "좋은 글"),
    )
    before = {path for path in tmp_path.rglob("*") if "documents" not in path.parts}
    brought = bring(project, [upload])
    assert places(project) == ["자료/좋은.txt"] and len(brought.refused) == 5
    assert set(refused(brought).values()) == {"error.documents_zip_unsafe"}
    new = {path for path in tmp_path.rglob("*") if "documents" not in path.parts} - before
    assert not [path for path in new if path.suffix != ".lock" and "project.db" not in path.name]


def test_an_archive_within_an_archive_is_left_out(project: Project, tmp_path: Path) -> None:
    inner, _ = zipped(tmp_path, ("안.txt", "안의 글"))
    raw = inner.read_bytes()
    brought = bring(project, [zipped(tmp_path, ("속.zip", raw), ("속은 것.txt", raw), ("글.txt", "글"))])
    assert set(refused(brought).values()) == {"error.documents_nested_zip"} and len(brought.refused) == 2
    assert places(project) == ["자료/글.txt"]


def test_office_files_in_an_archive_are_documents(project: Project, tmp_path: Path) -> None:
    brought = bring(project, [zipped(tmp_path, ("표.hwpx", (FILES / "SimpleTable.hwpx").read_bytes()))])
    assert [document.kind for document in brought.added] == ["hwpx"]


def test_a_bomb_is_refused_by_what_it_claims(project: Project, tmp_path: Path) -> None:
    upload = zipped(tmp_path, *((f"{n}.txt", bytes(40 << 20)) for n in range(2)))
    assert refused(bring(project, [upload])) == {"자료.zip": "error.documents_zip_large"}


def test_a_bomb_that_lies_about_its_size_is_given_up_as_it_comes(project: Project, tmp_path: Path) -> None:
    path, name = zipped(tmp_path, ("bomb.txt", b"a" * (30 << 20)), ("글.txt", "글"))
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<I", 30 << 20), struct.pack("<I", 1000)))
    brought = bring(project, [(path, name)])
    assert refused(brought) == {"자료.zip/bomb.txt": "error.documents_zip_member"} and places(project) == [
        "자료/글.txt"
    ]
    assert project.documents.counts().size < 1000


def test_too_many_files_are_refused(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_FILES", 3)
    upload = zipped(tmp_path, *((f"{n}.txt", str(n)) for n in range(4)))
    assert refused(bring(project, [upload])) == {"자료.zip": "error.documents_zip_large"}


def test_damaged_and_locked_archives_are_told(project: Project, tmp_path: Path) -> None:
    path, name = zipped(tmp_path, ("글.txt", "글자들 " * 50), ("다른.txt", "다른 글"))
    raw = bytearray(path.read_bytes())
    raw[45:50] = b"\xff" * 5
    path.write_bytes(raw)
    brought = bring(project, [(path, name)])
    assert refused(brought) == {"자료.zip/글.txt": "error.documents_zip_member"} and places(project) == [
        "자료/다른.txt"
    ]
    path, name = zipped(tmp_path, ("비밀.txt", "비밀"))
    raw = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + at] |= 1
    path.write_bytes(raw)
    assert refused(bring(project, [(path, name)])) == {"자료.zip/비밀.txt": "error.documents_zip_encrypted"}


# --- the list


def test_the_list_is_filtered_and_counted(project: Project, tmp_path: Path) -> None:
    first, second, third = bring(project, texts(tmp_path, 가나="하나", 다라="둘", 마바="셋"), "폴더").added
    project.documents.set_tags(first.id, [" 계약 ", "계약", "중요"])
    project.documents.set_tags(second.id, ["메모"])
    project.documents.set_state(third, "failed", error_key="error.document_empty", error_details={"name": "x"})
    found = project.documents.list(DocumentFilter(tags=("계약", "메모")))
    assert [document.id for document in found] == [first.id, second.id]
    assert project.documents.get(first.id).tags == ("계약", "중요") and project.documents.tags() == [
        "계약",
        "메모",
        "중요",
    ]
    assert [d.id for d in project.documents.list(DocumentFilter(text="나"))] == [first.id]
    assert project.documents.count(DocumentFilter(text="%")) == 0
    assert [d.error_details for d in project.documents.list(DocumentFilter(states=("failed",)))] == [{"name": "x"}]
    counts = project.documents.counts()
    assert (counts.queued, counts.failed, counts.total) == (2, 1, 3) and project.documents.folders() == ["폴더"]
    assert [document.id for document in project.documents.list(offset=1, limit=1)] == [second.id]
    with pytest.raises(BadInput, match="documents_tag"):
        project.documents.set_tags(first.id, ["가" * 61])
    with pytest.raises(NotFound, match="documents_missing"):
        project.documents.get(10**30)
