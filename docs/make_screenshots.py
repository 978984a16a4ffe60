"""Take the pictures of the documents anew: `make screenshots`. They show the demo set on a site of its own."""  # noqa: INP001

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import config
from tests.support.browser import MISSING, find_chromium
from tests.support.server import Servers

DOCS = Path(__file__).parent
ADMIN, PASSWORD = "boss", "dinner for eight"
FULL_TABLE = "عشاء منسف"
PICTURES = {
    "landing.png": {"viewport": {"width": 1280, "height": 1000}, "locale": "en", "color_scheme": "light"},
    "arabic.png": {"viewport": {"width": 390, "height": 1100}, "locale": "ar", "color_scheme": "dark"},
    "administration.png": {"viewport": {"width": 1280, "height": 900}, "locale": "en", "color_scheme": "light"},
}


def main() -> None:
    """Serve the demo set, and write each picture."""
    chromium = find_chromium() or sys.exit(f"No pictures: there is {MISSING}")
    with tempfile.TemporaryDirectory() as directory:
        database_url = f"sqlite:///{directory}/dinner.db"
        environ = {"DATABASE_URL": database_url, "INSTANCE_PATH": directory}
        person = ["--username", ADMIN, "--email", "boss@example.com", "--password", PASSWORD]
        for command in (["setup", "--demo"], ["create-admin", *person]):
            flask = [sys.executable, "-m", "flask", "--app", "app", *command]
            subprocess.run(flask, cwd=config.ROOT, env={**os.environ, **environ}, check=True, stdout=subprocess.DEVNULL)
        with Servers(Path(directory), database_url) as servers, sync_playwright() as playwright:
            url = servers.start(WORKERS="1").url
            browser = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=False)
            for name, options in PICTURES.items():
                page = browser.new_page(base_url=url, timezone_id="Europe/Madrid", **options)
                page.goto("/")
                if name == "arabic.png":
                    page.get_by_role("link", name=FULL_TABLE).click()
                if name == "administration.png":
                    page.goto("/login/?next=/dinnerparties/list/")
                    page.fill("main [name=username]", ADMIN)
                    page.fill("main [name=password]", PASSWORD)
                    page.press("main [name=password]", "Enter")
                    page.wait_for_url("**/dinnerparties/list/")
                page.screenshot(path=DOCS / name)
                print(f"docs/{name}: {(DOCS / name).stat().st_size // 1024} KB")  # noqa: T201
            browser.close()


if __name__ == "__main__":
    main()
