"""What the document says of Flask-AppBuilder's own tests is what `make fab-suite` compares with."""

from config import ROOT
from tests.upstream.fab_suite import differences
from tests.upstream.fab_suite.__main__ import read, unexpected

REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_menu.Case" name="test_a"/>
<testcase classname="tests.test_menu.Case" name="test_b"><failure/></testcase>
<testcase classname="tests.test_menu.Case" name="test_c"/>
<testcase classname="tests.test_menu.Case" name="test_c"><error/></testcase>
</testsuite></testsuites>"""


def test_the_document_is_current():
    assert (ROOT / "docs" / "fab_suite.md").read_text("utf-8") == differences.document()


def test_a_report_says_what_has_passed(tmp_path):
    (tmp_path / "report.xml").write_text(REPORT)
    assert read(tmp_path / "report.xml") == {
        "test_menu.Case.test_a": True,
        "test_menu.Case.test_b": False,
        "test_menu.Case.test_c": False,
    }


def test_what_is_not_as_listed_is_said():
    listed = {"test_menu.Case.test_b", "test_menu.Case.test_c", "test_menu.Case.test_d"}
    found = {"test_menu.Case.test_a": False, "test_menu.Case.test_b": False, "test_menu.Case.test_c": True}
    assert unexpected(found, listed, total=3) == [
        "test_menu.Case.test_a should pass",
        "test_menu.Case.test_c passes, and is listed as different",
        "test_menu.Case.test_d is listed, and was not run",
    ]
    assert unexpected({}, set(), total=2) == ["0 tests ran, and not 2"]
