"""Nobody gets in by a route that was forgotten, by another site's page or by guessing."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from backend.accounts import Accounts
from backend.errors import BadInput, NotFound
from backend.services import Services, create_services
from backend.settings import Settings
from studio.access import Attempts
from studio.serve import create_app
from studio.signin import safe_next
from tests.studio.conftest import Ask, asker

ROUTES = [
    ("GET", "/"),
    ("GET", "/ko/"),
    ("GET", "/en/"),
    ("GET", "/ko/config"),
    ("GET", "/ko/theme.css"),
    ("GET", "/ko/gradio_api/info"),
    ("GET", "/ko/gradio_api/startup-events"),
    ("GET", "/ko/gradio_api/queue/data?session_hash=x"),
    ("GET", "/ko/gradio_api/heartbeat/x"),
    ("GET", "/ko/gradio_api/file=/etc/passwd"),
    ("GET", "/ko/gradio_api/app_id"),
    ("POST", "/ko/gradio_api/queue/join"),
    ("POST", "/ko/gradio_api/run/0"),
    ("POST", "/ko/gradio_api/run/predict"),
    ("POST", "/ko/gradio_api/call/0"),
    ("POST", "/ko/gradio_api/upload"),
    ("POST", "/ko/gradio_api/reset"),
    ("POST", "/ko/login"),
    ("POST", "/signout"),
]


def signed_in(services: Services, ask: Ask, name: str = "mina", password: str = "mina's long secret") -> dict[str, str]:
    answer = ask("POST", "/signin", data={"name": name, "password": password, "next": "/en/"})
    assert answer.status_code == 303, answer.text
    return dict(answer.cookies)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_session_every_route_is_closed(shared: tuple[Services, Ask], method: str, path: str) -> None:
    _, ask = shared
    answer = ask(method, path, json={"data": [], "fn_index": 0, "session_hash": "x"} if method == "POST" else None)
    assert answer.status_code == 401


def test_a_made_up_session_is_none(shared: tuple[Services, Ask]) -> None:
    services, ask = shared
    cookie = next(iter(signed_in(services, ask)))
    assert ask("GET", "/ko/config", cookies={cookie: "x" * 43}).status_code == 401


def test_a_browser_is_led_to_the_sign_in_page_and_back(shared: tuple[Services, Ask]) -> None:
    _, ask = shared
    answer = ask("GET", "/ko/", headers={"accept": "text/html"})
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert target.path == "/signin"
    assert parse_qs(target.query)["next"] == ["/ko/"]


def test_signing_in_opens_and_signing_out_closes(shared: tuple[Services, Ask]) -> None:
    services, ask = shared
    cookies = signed_in(services, ask)
    assert ask("GET", "/ko/config", cookies=cookies).json()["username"] == "mina"
    assert ask("POST", "/signout", cookies=cookies).status_code == 303
    assert ask("GET", "/ko/config", cookies=cookies).status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(shared: tuple[Services, Ask]) -> None:
    _, ask = shared
    sent = ask("POST", "/signin", data={"name": "mina", "password": "mina's long secret", "next": "/"})
    told = sent.headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=lax" in told
    assert "secure" not in told
    shown = ask(
        "POST",
        "https://studio.test/signin",
        data={"name": "mina", "password": "mina's long secret", "next": "/"},
    )
    assert "secure" in shown.headers["set-cookie"].lower()


def test_sign_in_speaks_both_languages_and_says_what_was_wrong(shared: tuple[Services, Ask]) -> None:
    _, ask = shared
    korean = ask("GET", "/signin", headers={"accept-language": "ko-KR,ko;q=0.9"})
    english = ask("GET", "/signin", headers={"accept-language": "en-US"})
    assert 'lang="ko"' in korean.text and "비밀번호" in korean.text
    assert 'lang="en"' in english.text and "Password" in english.text
    wrong = ask("POST", "/signin", data={"name": "<b>nobody</b>", "password": "x"}, headers={"accept-language": "en"})
    assert wrong.status_code == 401
    assert "not right" in wrong.text
    assert "<b>nobody" not in wrong.text


def test_sign_in_is_slowed_down_after_five_attempts(shared: tuple[Services, Ask]) -> None:
    _, ask = shared
    codes = [ask("POST", "/signin", data={"name": "guess", "password": str(n)}).status_code for n in range(7)]
    assert codes == [401] * 5 + [429] * 2


def test_another_address_is_not_slowed_down_and_the_wait_is_told() -> None:
    attempts = Attempts()
    waits = [attempts.wait("10.0.0.1", "mina") for _ in range(6)]
    assert waits[:5] == [0] * 5
    assert 0 < waits[5] <= 60
    assert attempts.wait("10.0.0.2", "mina") == 0


@pytest.mark.parametrize("target", ["//evil.test", "https://evil.test/", "/\\evil.test", "ko", "/signin", ""])
def test_sign_in_leads_to_no_other_place(target: str) -> None:
    assert safe_next(target) == "/"


def test_a_page_of_another_site_changes_nothing(local: tuple[Services, Ask]) -> None:
    _, ask = local
    body = {"data": [], "fn_index": 0, "session_hash": "x"}
    for headers in ({"origin": "http://evil.test"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert ask("POST", "/ko/gradio_api/queue/join", json=body, headers=headers).status_code == 403


def test_a_name_that_only_resolves_here_is_refused(local: tuple[Services, Ask]) -> None:
    _, ask = local
    for host in ("evil.test", "evil.test:7860", "127.0.0.1.evil.test", "", "0.0.0.0:7860"):
        assert ask("GET", "/ko/config", headers={"host": host}).status_code == 403
    for host in ("127.0.0.1:7860", "localhost:7860", "[::1]:7860", "LOCALHOST"):
        assert ask("GET", "/ko/config", headers={"host": host}).status_code == 200


def test_a_local_studio_without_accounts_lets_its_owner_in(local: tuple[Services, Ask]) -> None:
    _, ask = local
    assert ask("GET", "/en/config").json()["username"] == "owner"


FILES = ["/etc/passwd", "{home}/accounts.json", "{home}/projects", "pyproject.toml", "../../etc/passwd"]


@pytest.mark.parametrize("path", FILES)
def test_only_assets_are_served_as_files(local: tuple[Services, Ask], path: str) -> None:
    services, ask = local
    (services.settings.home / "accounts.json").write_text("{}", encoding="utf-8")
    asked = path.format(home=services.settings.home)
    for base in ("/ko/gradio_api/file=", "/ko/file=", "/assets/"):
        answer: httpx.Response = ask("GET", base + asked)
        assert answer.status_code in {403, 404}, (base, asked)


def test_of_the_assets_only_what_draws_a_page_is_served_without_a_session(shared: tuple[Services, Ask]) -> None:
    _, ask = shared
    assert ask("GET", "/assets/signin.css").status_code == 200
    assert ask("GET", "/assets/logo.svg").status_code == 200
    for path in ("/assets/locale/ko/common.json", "/assets/starter/model.safetensors", "/assets/../pyproject.toml"):
        assert ask("GET", path).status_code in {401, 404}


# --- accounts ---------------------------------------------------------------------------------------------------------


def test_passwords_and_sessions_are_kept_as_hashes(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    made = accounts.add("mina")
    token = accounts.open_session("mina")
    for name in ("accounts.json", "sessions.json"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert made not in text and token not in text
        if sys.platform != "win32":
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert accounts.check("mina", made)
    assert not accounts.check("mina", made + "x")
    assert not accounts.check("nobody", made)


def test_a_new_password_ends_the_sessions_of_the_old_one(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.add("mina")
    token = accounts.open_session("mina")
    assert Accounts(tmp_path).holder(token) == "mina"
    accounts.add("mina", "another long one")
    assert accounts.holder(token) is None


@pytest.mark.parametrize("name", ["", "Mina", "../mina", "mi na", "m" * 33, "미나", "-mina"])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"error\.account_name"):
        Accounts(tmp_path).add(name)
    with pytest.raises(BadInput, match=r"error\.account_password"):
        Accounts(tmp_path).add("mina", "short")


def test_behind_a_proxy_the_same_doors_are_open_with_and_without_its_path(tmp_path: Path) -> None:
    services = create_services(Settings(home=tmp_path, root_path="/matchum", open_browser=False))
    services.accounts.add("mina", "mina's long secret")
    ask = asker(create_app(services), "http://studio.test")
    for path in ("/signin", "/matchum/signin", "/matchum/assets/logo.svg", "/favicon.ico"):
        assert ask("GET", path).status_code == 200, path
    for path in ("/ko/config", "/matchum/ko/config", "/matchum/ko/"):
        assert ask("GET", path).status_code == 401, path
    asked = ask("GET", "/ko/", headers={"accept": "text/html"})
    assert asked.headers["location"].startswith("/matchum/signin?next=")
    told = ask("POST", "/signin", data={"name": "mina", "password": "mina's long secret", "next": "/ko/"})
    assert told.headers["location"] == "/matchum/ko/"
    assert "path=/matchum" in told.headers["set-cookie"].lower()
    services.close()


def test_a_project_of_somebody_else_is_not_there(shared: tuple[Services, Ask]) -> None:
    services, _ = shared
    made = services.projects.create("mina", "secret")
    for act in (services.projects.open, services.projects.export_zip, services.projects.delete):
        with pytest.raises(NotFound):
            act("jun", made.id)
    with pytest.raises(NotFound):
        services.runs_seen("jun", made.id, 1.0)
    with pytest.raises(NotFound):
        services.act_on_run("jun", made.id, "remove", "project/x")


def test_a_file_over_the_limit_is_not_taken(tmp_path: Path) -> None:
    services = create_services(Settings(home=tmp_path, max_upload_mb=1, open_browser=False))
    ask = asker(create_app(services), "http://127.0.0.1:7860")
    small = ask("POST", "/ko/gradio_api/upload", files={"files": ("a.txt", b"x" * 1000)})
    large = ask("POST", "/ko/gradio_api/upload", files={"files": ("a.txt", b"x" * 1_100_000)})
    assert small.status_code == 200
    assert large.status_code == 413
    services.close()
