"""A public address for a studio on this machine, through Gradio's tunnel. Only ever asked for with --share."""

from __future__ import annotations

import logging
import secrets

log = logging.getLogger("matchum.share")


def open_tunnel(port: int) -> str | None:
    """The public https address, or None when there is no way out (the reason goes to the log).

    Downloads Gradio's tunnel program on first use; its public addresses last a week at most.
    """
    from gradio import networking

    try:
        url = networking.setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None)
    except (OSError, RuntimeError, ValueError) as fault:
        log.warning("no public address", exc_info=fault)
        return None
    return str(url)
