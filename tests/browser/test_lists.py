"""A host invites the people of a file that another program has written."""

from app.parties.models import Invitation

GOOGLE = """\
First Name,Last Name,Nickname,Organization Name,Birthday,Notes,Labels,E-mail 1 - Label,E-mail 1 - Value
Rosa,Quintero,Ro,Panadería Sol,1980-02-01,,* myContacts,* Home,rosa@example.org ::: r@example.net
"""
EVITE = """\
Guest Name,Email,Phone,RSVP,Adults,Kids,Comment
Emil Møller,emil@example.org,,Yes,2,1,Soup!
Ada Byron,ada@example.org,,No,0,0,
"""


def test_a_host_invites_people_from_google_contacts_and_evite(
    open_page, log_in, site, cast, party, accessible, records
):
    page = open_page(viewport={"width": 390, "height": 800})
    log_in(page, cast.host)
    for name, text, invited in (("contacts.csv", GOOGLE, 1), ("evite.csv", EVITE, 1)):
        page.goto(f"{site}/parties/{party.slug}/invitations")
        page.set_input_files("input[type=file]", {"name": name, "mimeType": "text/csv", "buffer": text.encode()})
        page.locator("form[action$='/invitations/list'] button[value=check]").click()
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        if name == "contacts.csv":
            assert not page.get_by_label("Nickname").is_visible()
            page.get_by_text("Columns that are not used: 5").click()
            assert page.get_by_label("Nickname").is_visible()
        page.get_by_role("button", name=f"Invite {invited} p").click()
        page.get_by_text(f"{invited} invited, 0 already invited").wait_for()
    assert {(row.name, row.email, row.max_party) for row in records.all(Invitation)} == {
        ("Rosa Quintero", "rosa@example.org", party.max_party),
        ("Emil Møller", "emil@example.org", 3),
    }
