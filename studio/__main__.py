"""Arguments -> Settings -> serve.

python -m studio [--home FOLDER] [--host ADDRESS] [--port NUMBER] [--share] [--offline] [--no-browser] [--root-path /x]
python -m studio accounts add NAME [--home FOLDER]
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from backend.errors import StudioError
from backend.settings import Settings

QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "DISABLE_TELEMETRY": "1",
    "WANDB_DISABLED": "true",
    "TOKENIZERS_PARALLELISM": "false",
}
"""No library calls home. Only the worker of a download lets itself out to the hub again."""


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="matchum", description="맞춤 Matchum")
    options.add_argument("--home", type=Path, help="folder of projects, models and accounts / 프로젝트·모델·계정 폴더")
    options.add_argument("--host", help="address to listen on / 받을 주소 (127.0.0.1)")
    options.add_argument(
        "--port", type=int, help="port; the next free one if taken / 포트, 쓰는 중이면 다음 번호 (7860)"
    )
    options.add_argument(
        "--share", action="store_const", const=True, help="public address, needs accounts / 공개 주소, 계정 필요"
    )
    options.add_argument(
        "--offline", action="store_const", const=True, help="never use the network / 네트워크를 쓰지 않음"
    )
    options.add_argument(
        "--no-browser", action="store_const", const=True, help="do not open a browser / 브라우저를 열지 않음"
    )
    options.add_argument("--root-path", help="path in front of the studio behind a proxy / 프록시 뒤 경로")
    options.add_argument("--add-account", metavar="NAME", help="add an account and stop / 계정을 만들고 끝냄")
    commands = options.add_subparsers(dest="command", metavar="accounts")
    accounts = commands.add_parser("accounts", help="accounts add NAME")
    accounts.add_argument("what", choices=["add"])
    accounts.add_argument("name")
    accounts.add_argument("--home", type=Path, default=argparse.SUPPRESS)
    return options


def settings_from(told: argparse.Namespace) -> Settings:
    """Only what was typed goes in, so that MATCHUM_* variables fill the rest. Raises ValidationError."""
    names = ("home", "host", "port", "share", "offline", "root_path")
    given = {name: getattr(told, name) for name in names if getattr(told, name) is not None}
    if told.no_browser:
        given["open_browser"] = False
    made = Settings(**given)
    return made.model_copy(update={"home": made.home.expanduser().resolve()})


def prepare_environment(settings: Settings) -> None:
    """Before any heavy import: nothing calls home, threads wait without spinning, uploads stay in the home folder."""
    os.environ.update(QUIET)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["GRADIO_TEMP_DIR"] = str(settings.home / "page-cache")


def add_account(settings: Settings, name: str) -> int:
    """Ask for a password on a terminal, make one up elsewhere or when none is typed, and show that one once."""
    from backend.accounts import Accounts

    typed = (
        getpass.getpass(f"Password for {name} / {name} 비밀번호 (Enter: made up / 자동): ")
        if sys.stdin.isatty()
        else ""
    )
    password = Accounts(settings.home).add(name, typed or None)
    print(f"{name}: " + ("OK" if typed else password))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    from pydantic import ValidationError

    told = parser().parse_args(arguments)
    try:
        settings = settings_from(told)
    except ValidationError as fault:
        first = fault.errors()[0]
        parser().error(f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}")
    prepare_environment(settings)
    from studio.terminal import start, tell_fault

    try:
        if told.command or told.add_account:
            return add_account(settings, told.add_account or told.name)
        return start(settings)
    except StudioError as fault:
        tell_fault(fault)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
