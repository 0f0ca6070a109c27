"""Tests signing in at the office with a real OpenID Connect server, over HTTP, as a browser does.

python -m tests.slow.office_oidc

Needs django-allauth (the office's extra `oidc`) and oidc-provider-mock of PyPI. Exit code 1 means that a user gets in
who should not, or is kept out wrongly.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests
from oidc_provider_mock import User, run_server_in_thread

ROOT = Path(__file__).parents[2]
PEOPLE = (
    User(sub="1", claims={"preferred_username": "Weber", "email": "weber@school.example", "email_verified": True}),
    User(sub="2", claims={"preferred_username": "stranger", "email": "weber@school.example"}),
    User(sub="3", claims={"preferred_username": "left"}),
    User(sub="4", claims={}),
)


def office(home: Path, *words: str) -> str:
    """Run a command of the office; return what it printed."""
    command = [sys.executable, "-m", "edge_daemon_office", "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


@contextlib.contextmanager
def serving(home: Path, provider: str, port: int, **more: str) -> Iterator[str]:
    """Serve the office with this provider; yield its address."""
    path = home / "office.toml"
    usual = path.read_text("utf-8")
    table = {"name": "School", "url": provider, "client_id": "office", "secret_file": "oidc-secret", **more}
    lines = "".join(f'{key} = "{value}"\n' for key, value in table.items())
    path.write_text(usual.replace("\n[schools.", f"\n[office.oidc]\n{lines}\n[schools.", 1), "utf-8")
    command = [sys.executable, "-m", "edge_daemon_office", "--home", str(home), "serve", "--ingest-every", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment)
    try:
        assert server.stdout is not None
        assert b"listening" in server.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)
        path.write_text(usual, "utf-8")


def signed_in(address: str, who: str, *, action: str = "", tamper: bool = False) -> requests.Response:
    """Sign in as a browser does, and return the page that it ends on."""
    browser = requests.Session()
    page = browser.get(f"{address}/sign-in/")
    assert "Sign in with School" in page.text
    policy = page.headers["Content-Security-Policy"]
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[-1]
    data, headers = {"csrfmiddlewaretoken": token}, {"Referer": page.url}
    sent = browser.post(f"{address}/oidc/school/login/", data=data, headers=headers, allow_redirects=False)
    target = sent.headers["Location"]
    assert f"form-action 'self' {urlsplit(target).scheme}://{urlsplit(target).netloc};" in policy
    asked = parse_qs(urlsplit(target).query)
    assert asked["code_challenge_method"] == ["S256"], "PKCE"
    back = browser.post(target, data={"action": action} if action else {"sub": who}, allow_redirects=False)
    place = back.headers["Location"]
    return browser.get(place.replace("state=", "state=x") if tamper else place)


def check(home: Path, provider: str, port: int) -> None:
    """Sign in as each user in each way, and check the results."""
    with serving(home, provider, port) as address:
        page = signed_in(address, "1")
        assert page.url == f"{address}/second-factor/", page.url  # the office asks for its own second factor
        for who in ("2", "3", "4"):
            page = signed_in(address, who)
            assert (page.status_code, "has no account for you" in page.text) == (403, True), (who, page.text)
        for page in (signed_in(address, "1", action="deny"), signed_in(address, "1", tamper=True)):
            assert (page.status_code, "did not work" in page.text) == (403, True), page.text
        assert requests.get(f"{address}/north/today/").url.startswith(f"{address}/sign-in/")
    with serving(home, provider, port, second_factor="provider") as address:
        page = signed_in(address, "1")
        assert (page.status_code, page.url) == (200, f"{address}/north/today/"), page.url
    with serving(home, provider, port, second_factor="provider", claim="email") as address:
        assert signed_in(address, "1").url == f"{address}/north/today/"
        assert signed_in(address, "2").status_code == 403  # an address that the provider has not verified


def main() -> int:
    """Run the test; return the exit code."""
    with tempfile.TemporaryDirectory() as folder, run_server_in_thread(user_claims=PEOPLE) as provider:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        home = Path(folder) / "office"
        office(home, "init", "--school", "north")
        path = home / "office.toml"
        text = path.read_text("utf-8").replace("https = true ", "https = false")
        path.write_text(text.replace("127.0.0.1:8470", f"127.0.0.1:{port}"), "utf-8")
        (home / "oidc-secret").write_text("secret", "utf-8")
        for name in ("weber", "left"):
            words = ("--role", "teacher", "--name", name.title(), "--course", "7b")
            office(home, "account", "add", name, *words, "--email", f"{name}@school.example")
        office(home, "account", "set", "left", "--disable")
        check(home, f"http://localhost:{provider.server_port}", port)
    print("signed in by the provider: who has an account, in three settings, and nobody else")
    return 0


if __name__ == "__main__":
    sys.exit(main())
