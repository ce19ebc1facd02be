"""launch.py, run for real: true virtual environments and a true pip over a folder of hand-made wheels, so that no test
needs a network. The small packages stand in for the large ones; one of them brings a `studio`, as Unsloth's wheel does.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import zipfile
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
Usage = namedtuple("Usage", "total used free")
GB = 1024**3

WHEELS = {
    "torch": {"torch/__init__.py": "", "torch/version.py": ""},
    "demo": {"demo/__init__.py": "", "demo/inside.py": "answer = 42"},
    "unsloth": {"unsloth/__init__.py": "", "studio/__init__.py": "", "studio/__main__.py": "print('the wrong studio')"},
    "unsloth_zoo": {"unsloth_zoo/__init__.py": ""},
    "xformers": {"xformers/__init__.py": ""},
    "pytest": {"pytest.py": "import sys; print('pytest got', sys.argv[1:]); sys.exit(3)"},
    "ruff": {"ruff.py": "print('ruff ran')"},
    "mypy": {"mypy.py": "import sys; print('mypy found something'); sys.exit(1)"},
}
PYPROJECT = """
[project]
dependencies = ["demo>=1"]
optional-dependencies.test = ["pytest", "ruff", "mypy"]
"""
STUDIO = """
import json, os, sys

def main():
    print(json.dumps({"arguments": sys.argv[1:], "folder": os.getcwd()}))
    return 7

if __name__ == "__main__":
    sys.exit(main())
"""


def make_wheel(folder: Path, name: str, files: dict[str, str]) -> None:
    info = f"{name}-1.0.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},{digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


def digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def load(checkout: Path) -> ModuleType:
    """The launch.py of a checkout as a module of its own, which knows that checkout as its root."""
    spec = importlib.util.spec_from_file_location("launch_under_test", checkout / "launch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain_environment(wheels: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PIP_", "MATCHUM_", "LC_"))}
    kept.pop("PYTHONPATH", None)
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "LANG": "C"}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for name, files in WHEELS.items():
        make_wheel(folder, name, files)
    return folder


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that was never set up."""
    checkout = tmp_path_factory.mktemp("bare") / "checkout with spaces"
    (checkout / "studio").mkdir(parents=True)
    for name in ("launch.py", "matchum.py"):
        shutil.copy(ROOT / name, checkout)
    shutil.copytree(ROOT / "assets" / "locale", checkout / "assets" / "locale")
    (checkout / "studio" / "__init__.py").write_text("", encoding="utf-8")
    (checkout / "studio" / "__main__.py").write_text(STUDIO, encoding="utf-8")
    (checkout / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (checkout / "constraints.txt").write_text("".join(f"{name}==1.0\n" for name in WHEELS), encoding="utf-8")
    return checkout


@pytest.fixture(scope="module")
def first_setup(bare: Path, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout on which `launch.py setup` ran once, with the disk said to be large enough for the real thing."""
    checkout = tmp_path_factory.mktemp("done") / "checkout with spaces"
    shutil.copytree(bare, checkout)
    launch = load(checkout)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("PIP_", "LC_"))]:
            patch.delenv(name)
        for name, text in plain_environment(wheels).items():
            patch.setenv(name, text)
        patch.setattr(launch.shutil, "disk_usage", lambda path: Usage(100 * GB, 50 * GB, 50 * GB))
        assert launch.main(["setup"]) == 0
    return checkout


@pytest.fixture
def checkout(first_setup: Path, tmp_path: Path) -> Path:
    """A copy of the finished checkout that a test may break."""
    return Path(shutil.copytree(first_setup, tmp_path / "checkout with spaces", symlinks=True))


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(checkout: Path, wheels: Path, tmp_path: Path) -> Run:
    def run_launch(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(checkout / "launch.py"), *arguments]
        return subprocess.run(
            command,
            env={**plain_environment(wheels), **environment},
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    return run_launch


@pytest.fixture
def launch(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module on a checkout of its own without an environment, speaking English."""
    monkeypatch.setenv("LC_ALL", "C")
    return load(Path(shutil.copytree(bare, tmp_path / "fresh")))


def site_packages(checkout: Path) -> Path:
    return next((checkout / ".venv").glob("[Ll]ib/**/site-packages"))


def stamp(checkout: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((checkout / ".venv" / ".matchum-stamp").read_text(encoding="utf-8"))
    return content


# --- what a machine lacks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "sentence"), [((3, 10, 4), "Python 3.10 is too old"), ((3, 14, 0), "is too new")])
def test_other_pythons_are_refused_with_a_way_out(
    launch: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    version: object,
    sentence: str,
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setenv("PATH", "")
    assert launch.main([]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert "python.org" in said


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are called py there")
def test_a_fitting_python_that_is_there_is_named(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands = {"python3.13": "exit 127", "python3.12": "exit 0", "python3.11": "exit 0"}
    for name, line in commands.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert launch.fitting_python() == "python3.12"


def test_a_missing_venv_module_names_the_package(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert launch.main(["setup"]) == 1
    assert "apt install python3." in capsys.readouterr().err


def test_too_little_disk_is_said_in_numbers_before_anything_is_made(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    monkeypatch.setattr(launch.shutil, "disk_usage", lambda path: Usage(10 * GB, 8 * GB, 2.5 * GB))
    assert launch.main(["setup"]) == 1
    said = capsys.readouterr().err
    assert "2.5 GB" in said
    assert "디스크 공간이 모자랍니다" in said
    assert not launch.VENV.exists()


def test_a_folder_that_cannot_be_written_is_named(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)  # a real read-only folder does not stop root
    assert launch.main(["setup"]) == 1
    assert f"{launch.ROOT} cannot be written" in capsys.readouterr().err
    assert not launch.VENV.exists()


def test_a_disk_that_fills_up_in_between_is_a_sentence(
    launch: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(extras: list[str]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(launch, "set_up", full)
    assert launch.main(["setup"]) == 1
    assert "The disk filled up" in capsys.readouterr().err


# --- pip's failures ---------------------------------------------------------------------------------------------------

RETRY = "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...Connection refused')"


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk filled up"),
        (
            "Could not fetch URL x: connection error: y - skipping\nERROR: No matching distribution found for torch",
            "reached",
        ),
        ("ReadTimeoutError: HTTPSConnectionPool(host='h', port=443): Read timed out.", "could not be reached"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "could not be reached"),
        (RETRY + "\nERROR: No matching distribution found for torch==2.13.0", "no build of torch==2.13.0"),
        (
            "ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied",
            "if it is running",
        ),
        ("ERROR: ResolutionImpossible: a wants b", "ResolutionImpossible: a wants b"),
        ("", "The whole log"),
    ],
)
def test_each_failure_of_pip_has_its_sentence(launch: ModuleType, log: str, sentence: str) -> None:
    said = launch.explain(log)
    assert sentence in said
    assert "setup.log" in said or "if it is running" in said


def test_without_a_network_the_log_is_named_and_the_next_run_goes_on(checkout: Path, run: Run) -> None:
    (checkout / ".venv" / ".matchum-stamp").unlink()
    shutil.rmtree(site_packages(checkout) / "torch")
    shutil.rmtree(site_packages(checkout) / "torch-1.0.dist-info")
    (site_packages(checkout) / "torch").mkdir()
    (site_packages(checkout) / "torch" / "version.py").touch()  # keeps the wish for disk space small
    closed = {
        "PIP_NO_INDEX": "0",
        "PIP_FIND_LINKS": "",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
    }

    done = run("setup", **closed, LANG="ko_KR.UTF-8")

    assert done.returncode == 1
    assert "인터넷 연결을 확인한 뒤" in done.stderr
    assert str(checkout / ".venv" / "setup.log") in done.stderr
    assert "Traceback" not in done.stderr
    assert run("setup").returncode == 0
    assert (site_packages(checkout) / "torch" / "__init__.py").exists()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """An address that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_during_set_up_is_a_sentence_and_the_next_run_finishes(
    checkout: Path, run: Run, wheels: Path, silent_server: str
) -> None:
    (checkout / "constraints.txt").write_text("torch==2.0\n", encoding="utf-8")
    environment = {**plain_environment(wheels), "PIP_NO_INDEX": "0", "PIP_INDEX_URL": silent_server}
    process = subprocess.Popen(
        [sys.executable, str(checkout / "launch.py"), "setup"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    log = checkout / ".venv" / "setup.log"
    deadline = time.monotonic() + 60
    while not (log.exists() and "Getting page" in log.read_text(encoding="utf-8")) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    try:
        said, _ = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        # pip drops an interrupt that meets it inside a callback; a person presses the keys again.
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert "Running this again goes on from there" in said
    assert "launch.py" not in said  # no traceback of ours
    (checkout / "constraints.txt").write_text("torch==1.0\n", encoding="utf-8")
    assert run("setup").returncode == 0


# --- set-up, stamp, start ---------------------------------------------------------------------------------------------


def test_set_up_installs_everything_and_leaves_a_stamp(first_setup: Path) -> None:
    installed = {path.name for path in site_packages(first_setup).iterdir()}
    assert {"torch", "demo", "unsloth", "unsloth_zoo"} <= installed
    assert "pytest.py" not in installed
    assert stamp(first_setup)["extras"] == []
    assert stamp(first_setup)["left_out"] == []
    assert not (first_setup / ".venv" / "scratch").exists()


def test_start_passes_everything_on_and_does_nothing_else(run: Run, tmp_path: Path) -> None:
    done = run("--port", "7901", "--home", "./mine", "--offline")
    assert done.returncode == 7
    assert json.loads(done.stdout) == {
        "arguments": ["--port", "7901", "--home", "./mine", "--offline"],
        "folder": str(tmp_path),
    }


def test_the_console_command_finds_this_studio_and_not_that_of_site_packages(checkout: Path, wheels: Path) -> None:
    """An editable install is looked at after site-packages; so is the folder added here."""
    ask = f"import sys; sys.path.append({str(checkout)!r}); import matchum; sys.exit(matchum.main())"
    python = load(checkout).venv_python()
    done = subprocess.run([python, "-P", "-c", ask], env=plain_environment(wheels), capture_output=True, text=True)
    assert done.returncode == 7, done.stderr
    assert "the wrong studio" not in done.stdout


def test_a_changed_constraint_sets_up_again_and_keeps_the_test_tools(checkout: Path, run: Run) -> None:
    assert run("test").returncode == 3
    with (checkout / "constraints.txt").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    done = run()
    assert "[5/5]" in done.stdout
    assert done.returncode == 7
    assert stamp(checkout)["extras"] == ["test"]
    assert "[1/5]" not in run().stdout


def test_another_python_makes_the_stamp_worthless(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = load(checkout)
    assert launch.is_ready([])
    assert not launch.is_ready(["test"])
    monkeypatch.setattr(sys, "version_info", (3, 12 if sys.version_info[1] != 12 else 13, 0))
    assert not launch.is_ready([])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"made_from": "older"}'])
def test_a_broken_stamp_means_set_up(checkout: Path, content: str) -> None:
    (checkout / ".venv" / ".matchum-stamp").write_text(content, encoding="utf-8")
    assert not load(checkout).is_ready([])


def test_a_half_made_environment_is_made_anew(checkout: Path, run: Run) -> None:
    launch = load(checkout)
    launch.venv_python().unlink()
    shutil.rmtree(site_packages(checkout) / "pip")
    done = run()
    assert done.returncode == 7, done.stdout + done.stderr
    assert (site_packages(checkout) / "demo" / "inside.py").exists()


def test_a_package_cut_off_while_copied_is_installed_again(checkout: Path, run: Run) -> None:
    (checkout / ".venv" / ".matchum-stamp").unlink()
    (site_packages(checkout) / "demo" / "inside.py").unlink()
    assert run("setup").returncode == 0
    assert (site_packages(checkout) / "demo" / "inside.py").read_text(encoding="utf-8") == "answer = 42"


def test_a_platform_without_unsloth_is_warned_and_setup_tries_again(
    checkout: Path, run: Run, wheels: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for name in ("torch", "demo"):
        shutil.copy(wheels / f"{name}-1.0-py3-none-any.whl", few)
    for name in ("unsloth", "unsloth_zoo"):
        shutil.rmtree(site_packages(checkout) / f"{name}-1.0.dist-info")
    (checkout / ".venv" / ".matchum-stamp").unlink()

    done = run("setup", PIP_FIND_LINKS=str(few))

    assert done.returncode == 0
    assert "Unsloth could not be installed here" in done.stdout
    assert "unsloth" in stamp(checkout)["left_out"]  # type: ignore[operator]
    assert "[1/5]" not in run().stdout  # a start does not try it every time
    assert "[4/5]" in run("setup").stdout
    assert stamp(checkout)["left_out"] == []


# --- test, check, help ------------------------------------------------------------------------------------------------


def test_the_test_command_installs_the_tools_and_hands_words_and_exit_code_on(run: Run) -> None:
    done = run("test", "-k", "one thing")
    assert done.returncode == 3
    assert "pytest got ['-k', 'one thing']" in done.stdout


def test_check_goes_on_after_a_failure_and_sums_up(run: Run) -> None:
    done = run("check", "--no-tests")
    assert done.returncode == 1
    assert "ruff ran" in done.stdout
    assert "Passed: ruff" in done.stdout
    assert "Failed: mypy" in done.stdout
    assert "pytest got" not in done.stdout
    assert "pytest got" in run("check").stdout


def test_help_is_there_in_both_languages_without_any_set_up(bare: Path) -> None:
    done = subprocess.run([sys.executable, bare / "launch.py", "--help"], capture_output=True, encoding="utf-8")
    assert done.returncode == 0
    for word in ("python launch.py setup", "--offline", "시험", "benchmarks"):
        assert word in done.stdout
    assert not (bare / ".venv").exists()


# --- the lists --------------------------------------------------------------------------------------------------------


def test_every_direct_need_is_pinned_at_a_version_that_it_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = [*project["dependencies"], *project["optional-dependencies"]["test"], *load(ROOT).ADD_ONS]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {
        plain_name(Requirement(line).name): Requirement(line) for line in lines if line and not line.startswith("#")
    }
    for need in map(Requirement, needs):
        (pin,) = pins[plain_name(need.name)].specifier
        assert pin.operator == "=="
        assert need.specifier.contains(pin.version), f"{need} and {pin}"


def plain_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
