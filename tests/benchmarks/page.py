"""How quick the page feels: from a click to the first word, and a trivial event while twenty people look on.

    python -m tests.benchmarks.page [--full]

click_to_token_s needs a Chromium; the practice model is loaded by a first question that is not counted.
event_p95_ms asks what the header asks every two seconds, through Gradio's own queue, from signed-in sessions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from backend.accounts import Accounts
from tests.benchmarks.report import Figure, median_of, report
from tests.benchmarks.startup import PATIENCE_S, free_port, start

if TYPE_CHECKING:
    from playwright.sync_api import Page

PEOPLE = 20
POLL_S = 2.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BOX = "#pg-message textarea"
COST = "#pg-conversation .pg-cost"
FIRST_WORD = """finished => {
  const writing = document.querySelector('.pg-writing .pg-bubble p:not(.pg-quiet)');
  const costs = document.querySelectorAll('#pg-conversation .pg-cost');
  return (writing && writing.innerText.trim()) || costs.length > finished;
}"""


def clicks(url: str, times: int) -> Figure:
    """From pressing Enter until the first word of the answer can be seen."""
    name, unit, aim = "click_to_token_s", "s", "<= 1"
    browser = next((path for known in BROWSERS if (path := shutil.which(known))), None)
    if browser is None:
        return Figure(name, None, unit, aim, {"why": "no Chromium on this machine"})
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = opened.new_page()
        page.goto(f"{url}/ko/")
        page.wait_for_function("document.querySelector('#project input')?.value", timeout=60_000)
        page.wait_for_selector(BOX)
        taken = [asked(page, number) for number in range(times + 1)][1:]
        opened.close()
    return median_of(name, taken, unit, aim, load=load())


def asked(page: Page, number: int) -> float:
    """Seconds to the first visible word; a whole answer that comes at once counts as one."""
    finished = page.locator(COST).count()
    page.fill(BOX, f"안녕하세요? {number}")
    since = time.perf_counter()
    page.press(BOX, "Enter")
    page.wait_for_function(FIRST_WORD, arg=finished, timeout=60_000, polling=10)
    taken = time.perf_counter() - since
    page.wait_for_function(
        "([at, finished]) => document.querySelectorAll(at).length > finished", arg=[COST, finished], timeout=60_000
    )
    return taken


async def one_event(client: httpx.AsyncClient, event: int, inputs: int, session: str) -> float:
    """Seconds from asking to the end of one event, as the page's own client asks it."""
    since = time.perf_counter()
    body = {"data": [None] * inputs, "fn_index": event, "session_hash": session}
    (await client.post("queue/join", json=body)).raise_for_status()
    async with client.stream("GET", "queue/data", params={"session_hash": session}) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:") and json.loads(line[5:]).get("msg") == "process_completed":
                break
    return time.perf_counter() - since


async def person(url: str, number: int, rounds: int) -> list[float]:
    """One signed-in visitor, who begins at a moment of their own."""
    async with httpx.AsyncClient(timeout=60) as client:
        who = {"name": f"person{number}", "password": "a password for benchmarks", "next": "/"}
        signed = await client.post(f"{url}/signin", data=who)
        if signed.status_code != 303:
            raise RuntimeError(f"sign-in answered {signed.status_code}")
        config = (await client.get(f"{url}/ko/config")).json()
        ticks = [item for item in config["dependencies"] if any(target[1] == "tick" for target in item["targets"])]
        client.base_url = httpx.URL(f"{url}/ko/gradio_api/")
        await asyncio.sleep(POLL_S * number / PEOPLE)
        taken = []
        for _ in range(rounds):
            begun = time.perf_counter()
            event = ticks[0]
            taken.append(await one_event(client, event["id"], len(event["inputs"]), f"session{number}"))
            await asyncio.sleep(max(0.0, POLL_S - (time.perf_counter() - begun)))
        return taken[1:]


async def crowd(url: str, rounds: int) -> list[float]:
    each = await asyncio.gather(*(person(url, number, rounds) for number in range(PEOPLE)))
    return [seconds for taken in each for seconds in taken]


def events(url: str, rounds: int) -> Figure:
    taken = sorted(1000 * seconds for seconds in asyncio.run(crowd(url, rounds)))
    detail = {"people": PEOPLE, "events": len(taken), "median_ms": round(statistics.median(taken), 1), "load": load()}
    return Figure("event_p95_ms", round(taken[int(len(taken) * 0.95)], 1), "ms", "<= 200", detail)


def load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def measure(full: bool) -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for people in (False, True):
            home, port = Path(folder) / f"home-{people}", free_port()
            home.mkdir()
            for number in range(PEOPLE if people else 0):
                Accounts(home).add(f"person{number}", "a password for benchmarks")
            process = start(home, port)
            try:
                url = f"http://127.0.0.1:{port}"
                wait_until_open(url, port)
                figures.append(events(url, 20 if full else 8) if people else clicks(url, 20 if full else 5))
            finally:
                process.terminate()
                process.wait(30)
    return figures


def wait_until_open(url: str, port: int) -> None:
    """With accounts the page itself is closed; its icon is not."""
    until = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < until:
        try:
            httpx.get(f"{url}/favicon.ico", timeout=PATIENCE_S)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(f"no studio on port {port}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--full", action="store_true", help="more rounds")
    report(measure(options.parse_args().full))


if __name__ == "__main__":
    main()
