"""Set-up and start of Matchum on a bare machine, with nothing but Python's standard library.

    python launch.py [options]     set up when needed, then open the studio
    python launch.py setup         only set up
    python launch.py test [...]    set up with the test tools, then run the tests (more words go to pytest)
    python launch.py check [...]   ruff, mypy, the tests; --bench adds the benchmarks, --no-tests leaves the tests out

Everything is installed into `.venv` beside this file, at the versions of constraints.txt. A stamp in that folder
says what it was made from, so that an unchanged checkout starts at once. Every step can be cut off and run again.
The syntax here stays readable for Python 3.8: an older Python shall meet a sentence, not a SyntaxError.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 13)
STAGES = 5
# An ordinary resolve steps back to an Unsloth of another year, so it goes in by exact pin and without its needs.
ADD_ONS = ("unsloth", "unsloth_zoo", "xformers")
GB = 1024**3

# Looked for in this order in pip's log. A machine without network also ends in "No matching distribution".
PIP_REASONS = (
    ("launch.no_space", r"no space left on device|winerror 112|disk quota exceeded"),
    (
        "launch.network",
        r"could not fetch url|max retries exceeded|connection error:|connection broken: |failed to establish a new"
        r"|name resolution|getaddrinfo failed|network is unreachable|timed out|incompleteread|proxyerror"
        r"|certificate_verify_failed|http error|do not match the hashes",
    ),
    ("launch.not_writable", r"permission denied|errno 13\]|winerror (5|32)\b|read-only file system"),
    ("launch.no_build", r"no matching distribution found|is not a supported wheel on this platform"),
)

# Run by the Python of .venv: a package that was cut off while it was copied looks installed to pip.
MISSING_FILES = """
import importlib.metadata as metadata
for package in metadata.distributions():
    name = package.metadata["Name"]
    kept = [file for file in package.files or () if file.suffix != ".pyc"]
    if name and (not kept or not all(file.locate().exists() for file in kept)):
        print(name + "==" + package.version)
"""


class CannotGoOn(Exception):
    """Set-up ends here with a sentence for the person in front of the screen."""


def speaks_korean() -> bool:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return os.environ[name].lower().startswith("ko")
    if sys.platform == "win32":
        import ctypes

        return ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0x3FF == 0x12  # the primary language id of Korean
    return False


def words(key: str, **details: object) -> str:
    """The sentence in the language of this machine, from the same files that the page reads."""
    return sentences("ko" if speaks_korean() else "en")[key].format(**details)


def sentences(language: str) -> dict:
    return json.loads((ROOT / "assets" / "locale" / language / "launch.json").read_text(encoding="utf-8"))


def say(key: str, **details: object) -> None:
    print(words(key, **details), flush=True)


# --- what the machine must have ---------------------------------------------------------------------------------------


def check_python() -> None:
    version = tuple(sys.version_info[:2])
    if OLDEST <= version <= NEWEST:
        return
    fitting = fitting_python()
    how = words("launch.use_python", command=f"{fitting} launch.py") if fitting else words("launch.get_python")
    found = ".".join(str(part) for part in version)
    raise CannotGoOn(words("launch.old_python" if version < OLDEST else "launch.new_python", found=found, how=how))


def fitting_python() -> str:
    """The command of an installed Python that would do, or "". Each is tried: pyenv leaves commands that only fail."""
    for version in ("3.13", "3.12", "3.11"):
        command = ["py", "-" + version] if sys.platform == "win32" else ["python" + version]
        if shutil.which(command[0]) and subprocess.run([*command, "-c", ""], stderr=subprocess.DEVNULL).returncode == 0:
            return " ".join(command)
    return ""


def check_venv_module() -> None:
    from importlib.util import find_spec

    # Debian ships venv without ensurepip, which only shows itself half-way through.
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        raise CannotGoOn(words("launch.no_venv", package="python{}.{}-venv".format(*sys.version_info[:2])))


def check_folder() -> None:
    """Asking for a file is the only test that every system answers truthfully."""
    probe = ROOT / f".matchum-probe-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        raise CannotGoOn(words("launch.not_writable", folder=ROOT)) from None


def check_disk() -> None:
    """6 GB hold the CPU build with pip's copies; the CUDA libraries that come on Linux with a GPU take 6 more."""
    packages = "Lib/site-packages" if sys.platform == "win32" else "lib/python*/site-packages"
    if any(VENV.glob(f"{packages}/torch/version.py")):
        need = 1.0
    elif sys.platform == "linux" and shutil.which("nvidia-smi"):
        need = 12.0
    else:
        need = 6.0
    free = shutil.disk_usage(ROOT).free / GB
    if free < need:
        raise CannotGoOn(words("launch.little_disk", folder=ROOT, need=need, free=free))


# --- the stamp --------------------------------------------------------------------------------------------------------


def venv_python() -> Path:
    return VENV / "Scripts" / "python.exe" if sys.platform == "win32" else VENV / "bin" / "python"


def fingerprint() -> str:
    """What an environment is made from: the two files that say so and the Python that runs it."""
    import hashlib

    digest = hashlib.sha256(repr(tuple(sys.version_info[:2])).encode())
    for name in ("constraints.txt", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def read_stamp() -> dict:
    try:
        stamp = json.loads((VENV / ".matchum-stamp").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_ready(extras: list[str]) -> bool:
    """Whether `.venv` was finished from today's files with at least these extras. Reads three small files."""
    stamp = read_stamp()
    same = stamp.get("made_from") == fingerprint() and set(extras) <= set(stamp.get("extras", []))
    return same and venv_python().exists()


def write_stamp(extras: list[str], left_out: list[str]) -> None:
    stamp = {"made_from": fingerprint(), "extras": extras, "left_out": left_out}
    unfinished = VENV / ".matchum-stamp.new"
    unfinished.write_text(json.dumps(stamp), encoding="utf-8")
    unfinished.replace(VENV / ".matchum-stamp")


# --- set-up -----------------------------------------------------------------------------------------------------------


def setup_log() -> Path:
    return VENV / "setup.log"


def base_python() -> str:
    """The Python beneath: when launched from inside `.venv` that folder must be able to go."""
    return getattr(sys, "_base_executable", None) or sys.executable


def venv_works() -> bool:
    command = [str(venv_python()), "-I", "-c", "import sys, pip; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.split() == [b"%d" % part for part in sys.version_info[:2]]


def make_venv() -> None:
    """Makes `.venv`; one that is whole is kept, a half-made one or one of another Python is made anew."""
    if venv_works():
        return
    made = subprocess.run(
        [base_python(), "-m", "venv", "--clear", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if made.returncode:
        why = made.stdout.decode(errors="replace").strip()
        raise CannotGoOn(words("launch.venv_failed", folder=VENV, why=why[-600:]))


def pip_environment() -> dict:
    """The person's own pip configuration, without what would send packages elsewhere than `.venv`."""
    environment = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"):
        environment.pop(name, None)
    # Wheels are unpacked here: a small /tmp in memory cannot hold PyTorch.
    scratch = VENV / "scratch"
    scratch.mkdir(exist_ok=True)
    environment.update(TMPDIR=str(scratch), TEMP=str(scratch), TMP=str(scratch))
    return environment


def pip_install(*arguments: str) -> None:
    """Runs pip with its own progress on screen and everything it does in the log.

    Raises CannotGoOn with a sentence about the cause that the log shows.
    """
    log = setup_log()
    begin = log.stat().st_size if log.exists() else 0
    command = [str(venv_python()), "-I", "-m", "pip", "install", "--log", str(log), "-c", str(ROOT / "constraints.txt")]
    code = subprocess.call(command + list(arguments), env=pip_environment())
    if code:
        raise CannotGoOn(explain(log.read_bytes()[begin:].decode("utf-8", "replace") if log.exists() else ""))


def explain(log: str) -> str:
    """A sentence for a failed pip: what happened and what to do, from what it wrote."""
    lines = [line.strip() for line in log.splitlines() if "Retrying (Retry(" not in line]  # a retry is no failure yet
    told = "\n".join(lines).lower()
    key = next((key for key, marks in PIP_REASONS if re.search(marks, told)), "launch.pip_failed")
    errors = [line for line in lines if "ERROR:" in line or "error:" in line] or lines[-3:]
    package = log.partition("o matching distribution found for ")[2].split("\n")[0].strip() or "PyTorch"
    return words(
        key,
        folder=VENV,
        log=setup_log(),
        package=package,
        why=" / ".join(errors[-3:]),
        machine=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
    )


def requirements(extras: list[str]) -> list[str]:
    """The direct needs as pyproject.toml lists them."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["dependencies"] + [need for extra in extras for need in project["optional-dependencies"][extra]]


def install_add_ons() -> list[str]:
    """Installs Unsloth; returns the names that this platform cannot take. Never fails for them."""
    fast = platform.machine() in ("x86_64", "AMD64") and sys.platform != "darwin"  # where xformers has builds
    names = [name for name in ADD_ONS if fast or name != "xformers"]
    try:
        pip_install("--no-deps", "--only-binary", ":all:", *names)
    except CannotGoOn as reason:
        print(reason)
        say("launch.no_unsloth")
        return names
    return []


def mend() -> None:
    """Installs again what an earlier, interrupted set-up left with files missing."""
    found = subprocess.run([str(venv_python()), "-I", "-c", MISSING_FILES], stdout=subprocess.PIPE, check=True)
    broken = found.stdout.decode().split()
    if broken:
        pip_install("--ignore-installed", "--no-deps", *broken)


def stage(number: int, name: str, work):
    say("launch.stage", number=number, stages=STAGES, name=words(name))
    begin = time.monotonic()
    result = work()
    say("launch.stage_done", number=number, stages=STAGES, name=words(name), seconds=time.monotonic() - begin)
    return result


def set_up(extras: list[str]) -> None:
    """Makes `.venv` what constraints.txt says. Every stage leaves what is already right alone."""
    check_folder()
    check_venv_module()
    check_disk()
    say("launch.first_time", log=setup_log())
    stage(1, "launch.stage_venv", make_venv)
    for leftover in (".matchum-stamp", "setup.log"):
        if (VENV / leftover).exists():
            (VENV / leftover).unlink()
    shutil.rmtree(VENV / "scratch", ignore_errors=True)
    # Alone and first: the build of it that is found decides about the CUDA parts.
    stage(2, "launch.stage_torch", lambda: pip_install("torch"))
    stage(3, "launch.stage_rest", lambda: pip_install(*requirements(extras)))
    left_out = stage(4, "launch.stage_add_ons", install_add_ons)
    stage(5, "launch.stage_verify", mend)
    shutil.rmtree(VENV / "scratch", ignore_errors=True)
    write_stamp(extras, left_out)


# --- start, test, check -----------------------------------------------------------------------------------------------


def wait_for(process) -> int:
    """The exit code of a child; Ctrl-C reaches the child too and is the child's to handle."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def inside(*arguments: str) -> int:
    """Runs `.venv`'s Python on this checkout."""
    return wait_for(subprocess.Popen([str(venv_python()), *arguments], cwd=str(ROOT)))


def start(arguments: list[str]) -> int:
    """Becomes the studio. The person's current folder stays, so that `--home ./here` means what it says."""
    # Unsloth's wheel brings a package called `studio` too: the checkout must come before site-packages, and `-P`
    # keeps out what happens to lie in the current folder.
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    command = [str(venv_python()), "-P", "-m", "studio", *arguments]
    if sys.platform != "win32":
        os.execve(command[0], command, environment)
    return wait_for(subprocess.Popen(command, env=environment))


def check(arguments: list[str]) -> int:
    """Every check of the project; goes on after a failure and sums up at the end."""
    steps = {"ruff": ["-m", "ruff", "check", "."], "mypy": ["-m", "mypy", "--strict", "backend", "studio"]}
    if "--no-tests" not in arguments:
        extra = [word for word in arguments if word != "--bench"]
        steps["tests"] = ["-m", "pytest", *extra]
    if "--bench" in arguments:
        for path in sorted((ROOT / "tests" / "benchmarks").glob("[!_]*.py")):
            steps["benchmark " + path.stem] = ["-m", "tests.benchmarks." + path.stem]
    failed = [name for name, command in steps.items() if inside(*command) != 0]
    passed = [name for name in steps if name not in failed]
    say("launch.passed", names=", ".join(passed) or "-")
    if failed:
        say("launch.failed", names=", ".join(failed))
    return 1 if failed else 0


def make_ready(extras: list[str], again: bool = False) -> None:
    """Sets up unless the stamp says that nothing changed; `again` also retries what was left out."""
    if is_ready(extras) and not (again and read_stamp().get("left_out")):
        return
    set_up(sorted(set(extras) | ({"test"} & set(read_stamp().get("extras", [])))))


def main(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments[:1]):
        languages = ("ko", "en") if speaks_korean() else ("en", "ko")
        print("\n\n".join(sentences(language)["launch.help"] for language in languages))
        return 0
    command, rest = (arguments[0], arguments[1:]) if arguments[:1] else ("", [])
    try:
        check_python()
        make_ready(["test"] if command in ("test", "check") else [], again=command == "setup")
    except CannotGoOn as reason:
        print(reason, file=sys.stderr)
        return 1
    except OSError as fault:  # the disk or the folder, met by one of the small files of the set-up itself
        key = "launch.no_space" if fault.errno == errno.ENOSPC else "launch.not_writable"
        print(words(key, folder=VENV, log=setup_log()), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n" + words("launch.cut_off"), file=sys.stderr)
        return 130
    if command == "setup":
        say("launch.ready")
        return 0
    if command == "test":
        return inside("-m", "pytest", *rest)
    return check(rest) if command == "check" else start(arguments)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console of another code page must not stop the set-up
    sys.exit(main(sys.argv[1:]))
