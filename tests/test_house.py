"""Guards over the syntax tree: who imports whom, which words exist, how large things are.

They read the source and import nothing of it, except the one that asks a fresh process what `import studio.app` loads.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
import string
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "assets" / "locale"
ROOMS = ("studio", "tabs", "backend")
LANGUAGES = ("ko", "en")
HEAVY = {
    "torch",
    "transformers",
    "openai",
    "trl",
    "peft",
    "datasets",
    "sentence_transformers",
    "chromadb",
    "bitsandbytes",
}


@cache
def sources() -> dict[Path, ast.Module]:
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def imported(path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything a file imports, wherever in it; `from a import b` gives `a.b`."""
    package = path.parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = [*start, *([node.module] if node.module else [])]
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


# --- who imports whom -------------------------------------------------------------------------------------------------


def test_imports_go_from_studio_to_tabs_to_backend() -> None:
    forbidden = {"backend": {"tabs", "studio", "gradio"}, "tabs": {"studio"}, "studio": set()}
    wrong = [
        f"{path}:{line} imports {name}"
        for path, tree in sources().items()
        for line, name in imported(path, tree)
        if name.split(".")[0] in forbidden[path.parts[0]]
    ]
    assert not wrong, "\n".join(wrong)


def tab_of(path: Path) -> str:
    """`tabs/playground.py`, `tabs/playground/chat.py` and `tabs/playground_chat.py` are one tab."""
    return path.parts[1].removesuffix(".py").split("_")[0]


def test_no_tab_imports_another_tab() -> None:
    files = {path: tree for path, tree in sources().items() if path.parts[0] == "tabs" and path.name != "__init__.py"}
    tabs = {tab_of(path) for path, tree in files.items() if any(node.name == "build" for node, _ in functions(tree))}
    wrong = [
        f"{path}:{line} imports {name}"
        for path, tree in files.items()
        for line, name in imported(path, tree)
        if name.startswith("tabs.") and (other := tab_of(Path(*name.split(".")))) in tabs and other != tab_of(path)
    ]
    assert not wrong, "\n".join(wrong)


def test_importing_the_app_leaves_the_heavy_libraries_out() -> None:
    ask = f"import sys, studio.app; print(*sorted({HEAVY!r} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == []


def test_launch_needs_nothing_but_an_old_standard_library() -> None:
    tree = ast.parse((ROOT / "launch.py").read_text(encoding="utf-8"), feature_version=(3, 8))
    names = {name.split(".")[0] for _, name in imported(Path("launch.py"), tree)}
    assert names <= set(sys.stdlib_module_names)


# --- words ------------------------------------------------------------------------------------------------------------


@cache
def word_parts(language: str) -> dict[Path, dict[str, str]]:
    files = [*LOCALE.glob(f"{language}.json"), *sorted((LOCALE / language).glob("*.json"))]
    return {path.relative_to(LOCALE): json.loads(path.read_text(encoding="utf-8")) for path in files}


@cache
def words(language: str) -> dict[str, str]:
    return {key: text for part in word_parts(language).values() for key, text in part.items()}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys() -> None:
    korean, english = set(words("ko")), set(words("en"))
    assert korean, "there are no words at all"
    assert not korean ^ english, f"only in ko: {sorted(korean - english)}\nonly in en: {sorted(english - korean)}"


def test_every_key_has_one_home_and_a_text() -> None:
    for language in LANGUAGES:
        homes = Counter(key for part in word_parts(language).values() for key in part)
        assert not [key for key, count in homes.items() if count > 1]
        assert not [key for key, text in words(language).items() if not isinstance(text, str) or not text.strip()]
        assert not [key for key in homes if not re.fullmatch(r"[a-z0-9_]+(\.[A-Za-z0-9_-]+)+", key)]


def shown_text(text: str) -> str:
    """Without what is the same in every language: placeholders, code and names written with capitals."""
    return re.sub(r"\{[^}]*\}|`[^`]*`|https?://\S+", " ", text)


def test_korean_and_english_say_the_same_things() -> None:
    korean, english = words("ko"), words("en")
    shared = korean.keys() & english.keys()
    assert not [key for key in shared if has_fields(key) and placeholders(korean[key]) != placeholders(english[key])]
    same = [key for key in shared if korean[key] == english[key]]
    # One lower-case word may be a parameter's name; two are a sentence that nobody wrote in Korean.
    assert not [key for key in same if len(re.findall(r"\b[a-z]{3,}\b", shown_text(korean[key]))) > 1]
    assert not [key for key, text in english.items() if re.search("[가-힣]", text) and not names_korean(key)]


def has_fields(key: str) -> bool:
    """Whether the braces of a text are fields of ours; templates of the prompt library hold the user's own."""
    try:
        return bool(placeholders(words("ko")[key]) | placeholders(words("en")[key]))
    except ValueError:
        return False


def names_korean(key: str) -> bool:
    """The switch that offers Korean is written in Korean on the English page too; so is the studio's name."""
    return key.rsplit(".", 1)[-1] in {"korean", "ko", "language", "name", "title", "brand", "tagline"}


def error_classes() -> set[str]:
    tree = sources()[Path("backend/errors.py")]
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


ASKING = {"t", "say", "raw"}


def called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def keys_written_in(tree: ast.Module, asking: set[str]) -> Iterator[tuple[int, str]]:
    """(line, key) of every key written out: t("..."), say("..."), both sides of t("..." if a else "..."), "error.x"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and called(node) in asking:
            first = node.args[0]
            for choice in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
                if isinstance(choice, ast.Constant) and isinstance(choice.value, str):
                    yield node.lineno, choice.value
        if isinstance(node, ast.Constant) and re.fullmatch(r"error(\.[a-z0-9_]+)+", str(node.value)):
            yield node.lineno, node.value


def prefixes_asked_for() -> Iterator[tuple[str, str]]:
    """(place, "common.toast_") of every key that is put together: t(f"common.toast_{kind}")."""
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in ASKING | error_classes() and node.args:
                first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else None
                if isinstance(first, ast.Constant):
                    yield f"{path}:{node.lineno}", str(first.value)


def keys_asked_for() -> Iterator[tuple[str, str]]:
    """(place, key) of every key that the program asks for by a literal."""
    for path, tree in sources().items():
        for line, key in keys_written_in(tree, ASKING | error_classes()):
            yield f"{path}:{line}", key
    launch = ast.parse((ROOT / "launch.py").read_text(encoding="utf-8"))
    for line, key in keys_written_in(launch, {"say", "words"}):
        yield f"launch.py:{line}", key


def test_every_key_in_the_source_has_words() -> None:
    known = set(words("ko")) & set(words("en"))
    missing = sorted({f"{key} ({place})" for place, key in keys_asked_for() if key not in known})
    assert not missing, "\n".join(missing)
    unknown = {f"{start}... ({place})" for place, start in prefixes_asked_for() if not any_starts(known, start)}
    assert not unknown, "\n".join(sorted(unknown))


def any_starts(known: set[str], start: str) -> bool:
    return any(key.startswith(start) for key in known)


def test_errors_are_raised_with_error_keys() -> None:
    classes = error_classes()
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node) in classes and node.args
        if isinstance(node.args[0], ast.Constant) and not str(node.args[0].value).startswith("error.")
    ]
    assert not wrong


# --- figures of design and manners ------------------------------------------------------------------------------------


def test_files_stay_small() -> None:
    lines = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in sources()}
    lines[Path("launch.py")] = len((ROOT / "launch.py").read_text(encoding="utf-8").splitlines())
    assert not {str(path): count for path, count in lines.items() if count > 400}
    assert statistics.median(lines.values()) <= 150


def test_functions_stay_small() -> None:
    sized = [(path, node, count) for path, tree in sources().items() for node, count in functions(tree)]
    large = [
        f"{path}:{node.lineno} {node.name} has {count} lines"
        for path, node, count in sized
        if count > (90 if node.name == "build" and path.parts[0] == "tabs" else 60)
    ]
    assert not large, "\n".join(large)
    counts = sorted(count for _, _, count in sized)
    assert statistics.median(counts) <= 12
    assert counts[int(len(counts) * 0.9)] <= 40


def swallows_everything(handler: ast.ExceptHandler) -> bool:
    caught = ast.unparse(handler.type) if handler.type else "Exception"
    silent = all(isinstance(line, (ast.Pass, ast.Continue)) for line in handler.body)
    return silent and re.search(r"\b(Base)?Exception\b", caught) is not None


def test_nothing_is_global_and_no_error_is_swallowed() -> None:
    wrong = []
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Global):
                wrong.append(f"{path}:{node.lineno} global")
            if isinstance(node, ast.ExceptHandler) and swallows_everything(node):
                wrong.append(f"{path}:{node.lineno} swallows every error")
    assert not wrong, "\n".join(wrong)
