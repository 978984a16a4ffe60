"""Ask Lighthouse about five pages of the demo set: `make lighthouse`. It fails below 98 of 100 in any category.

npm installs it into a temporary folder. Chromium is that of the browser tests. On a busy machine its performance is that of the machine.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import config
from tests.support.browser import MISSING, find_chromium
from tests.support.server import Servers

PACKAGE = "lighthouse@12.8.2"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEAST = 98
# Each page, and whether an administrator reads it.
PAGES = {
    "/": False,
    "/parties/{slug}": False,
    "/login/": False,
    "/dinnerparties/list/": True,
    "/dinnerparties/edit/1": True,
}
ADMIN, ADMIN_PASSWORD = "lighthouse", secrets.token_urlsafe(16)


def main() -> None:
    """Serve the demo set, ask about each page, and print the scores and what lowers them."""
    chromium = find_chromium() or sys.exit(f"No figures: there is {MISSING}")
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", directory, PACKAGE]
        subprocess.run(install, check=True)
        database_url = f"sqlite:///{directory}/dinner.db"
        _flask(folder, database_url, "setup", "--demo")
        person = ("--username", ADMIN, "--email", "lighthouse@example.com", "--password", ADMIN_PASSWORD)
        _flask(folder, database_url, "create-admin", *person)
        with Servers(folder, database_url) as servers:
            url = servers.start(WORKERS="1").url
            slug, cookie = _visit(chromium, url)
            low = [
                _ask(folder, chromium, url + page.format(slug=slug), cookie if is_admin else None)
                for page, is_admin in PAGES.items()
            ]
    sys.exit(any(low))


def _flask(folder: Path, database_url: str, *command: str) -> None:
    environ = {**os.environ, "DATABASE_URL": database_url, "INSTANCE_PATH": str(folder / "instance")}
    flask = [sys.executable, "-m", "flask", "--app", "app", *command]
    subprocess.run(flask, cwd=config.ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)


def _visit(chromium: str, url: str) -> tuple[str, str]:
    """Return the slug of a party, and the cookies of an administrator who has logged in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=False)
        page = browser.new_page(base_url=url)
        page.goto("/")
        link = page.locator(".course h3 a").first.get_attribute("href") or ""
        page.goto("/login/")
        page.fill("main [name=username]", ADMIN)
        page.fill("main [name=password]", ADMIN_PASSWORD)
        page.press("main [name=password]", "Enter")
        page.wait_for_url(lambda shown: "/login/" not in shown)
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
        browser.close()
    return link.rpartition("/")[2], cookies


def _ask(folder: Path, chromium: str, url: str, cookie: str | None) -> bool:
    """Print the scores of a page; return whether one is too low."""
    result = folder / "result.json"
    command = [
        *(folder / "node_modules" / ".bin" / "lighthouse", url, "--quiet", "--output=json", f"--output-path={result}"),
        *("--chrome-flags=--headless=new --no-sandbox --disable-gpu", f"--only-categories={','.join(CATEGORIES)}"),
        *([f"--extra-headers={json.dumps({'Cookie': cookie})}"] if cookie else ()),
    ]
    subprocess.run(command, check=True, env={**os.environ, "CHROME_PATH": chromium})
    found = json.loads(result.read_text(encoding="utf-8"))
    scores = {name: round(found["categories"][name]["score"] * 100) for name in CATEGORIES}
    print(url, scores)  # noqa: T201
    for name in CATEGORIES:
        for part in found["categories"][name]["auditRefs"]:
            audit = found["audits"][part["id"]]
            if part["weight"] and audit["score"] is not None and audit["score"] < LEAST / 100:
                print("   ", name, audit["title"], audit.get("displayValue", ""))  # noqa: T201
    return min(scores.values()) < LEAST


if __name__ == "__main__":
    main()
