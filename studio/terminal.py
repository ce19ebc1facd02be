"""What the terminal shows: where the studio is, who may enter, and why it did not start."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from backend.accounts import Accounts
from backend.errors import StudioError
from backend.home import HomeLock
from backend.settings import Settings
from studio.access import needs_accounts
from tabs.errors import sentence
from tabs.text import Words


def terminal_words() -> Words:
    """In the language of this machine."""
    spoken = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return Words("ko" if spoken.lower().startswith("ko") else "en")


def tell_fault(fault: StudioError) -> None:
    print(sentence(terminal_words(), fault), file=sys.stderr)


def first_account(settings: Settings, words: Words) -> None:
    """A studio that others can reach has an account. Made here when there is none; its password is shown this once.

    Raises StorageProblem where the account cannot be kept: then the studio does not start.
    """
    accounts = Accounts(settings.home)
    if needs_accounts(settings) and not accounts.names():
        print(words.t("header.first_account", name="owner", password=accounts.add("owner")), flush=True)


def start(settings: Settings) -> int:
    """Run the studio until it is interrupted; 0 afterwards. Raises StudioError for what keeps it from starting."""
    words = terminal_words()
    with HomeLock(settings.home):
        first_account(settings, words)
        # Only now: a second studio on this home is told so at once, not after seconds of imports.
        from backend.services import create_services
        from studio import serve

        serve.log_to(settings.home)
        listening = serve.listen(settings.host, settings.port)
        port = int(listening.getsockname()[1])
        if settings.port and port != settings.port:
            print(words.t("header.port_taken", taken=str(settings.port), port=str(port)), flush=True)
        services = create_services(settings)

        def ready() -> None:
            url = serve.address(settings.host, port, settings.root_path)
            print(words.t("header.open_at", url=url), flush=True)
            if settings.share:
                share(port, settings, words)
            serve.open_browser(settings, url)

        # The server hands a signal on when it is done; the default answer to SIGTERM would skip the closing below.
        signal.signal(signal.SIGTERM, end)
        try:
            serve.run(services, listening, ready)
        except KeyboardInterrupt:
            return 0
        finally:
            services.close()
    return 0


def end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def share(port: int, settings: Settings, words: Words) -> None:
    from studio.share import open_tunnel

    url = None if settings.offline else open_tunnel(port)
    print(words.t("header.shared_at", url=url) if url else words.t("header.not_shared"), flush=True)
