"""Every page is valid HTML: `make html` asks html-validate, which npm installs into a temporary folder."""

import json
import shutil
import subprocess

import pytest

# The last one for node 20.
PACKAGE = "html-validate@10.0.0"
READERS = ("anonymous", "host", "admin")
RULES = {
    "extends": ["html-validate:recommended", "html-validate:document"],
    "rules": {
        # The form of the source, which djlint keeps.
        "no-trailing-whitespace": "off",
        "void-style": "off",
        "attribute-boolean-style": "off",
        "attribute-empty-style": "off",
        # A list may have a name.
        "aria-label-misuse": ["error", {"allowAnyNamable": True}],
        # The boxes of a question share theirs, and a hidden field tells that none is ticked.
        "form-dup-name": "off",
        # All files are of this site.
        "require-sri": ["error", {"target": "crossorigin"}],
    },
}


@pytest.fixture(scope="session")
def validate(tmp_path_factory):
    """Return what html-validate finds in a folder of pages."""
    if not shutil.which("npm"):
        pytest.fail("There is no npm. Install it: apt-get install npm")
    folder = tmp_path_factory.mktemp("html-validate")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), PACKAGE]
    subprocess.run(command, check=True)
    (folder / ".htmlvalidate.json").write_text(json.dumps({"root": True, **RULES}))

    def validate(pages):
        program = folder / "node_modules" / ".bin" / "html-validate"
        result = folder / "result.json"
        result.unlink(missing_ok=True)
        # Into a file: node ends before a pipe has taken everything.
        command = [program, "--config", folder / ".htmlvalidate.json", "--formatter", f"json={result}", *pages]
        subprocess.run(command, check=False)
        return json.loads(result.read_text(encoding="utf-8"))

    return validate


@pytest.mark.parametrize("who", READERS)
def test_every_page_is_valid(populated_site, reader, validate, tmp_path, who):
    visitor, addresses = reader(who), {}
    for number, rule in enumerate(populated_site.pages()):
        address = populated_site.address(rule)
        page = visitor.get(address, headers={"Accept-Language": "ar" if number % 2 else "en"})
        if page.response.mimetype == "text/html":
            path = tmp_path / f"{number}.html"
            path.write_text(page.text, encoding="utf-8")
            addresses[path] = address
    assert len(addresses) > 20
    wrong = [
        f"{addresses[path]}:{message['line']} {message['ruleId']}: {message['message']}"
        for path, result in ((tmp_path / found["filePath"], found) for found in validate(addresses))
        for message in result["messages"]
    ]
    assert wrong == []
