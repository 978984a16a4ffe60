"""Who comes: the host's list of guests."""

from flask_appbuilder import expose, has_access, permission_name

from app.parties.views.access import TableView


class GuestListView(TableView):
    """The guests of a party, as its hosts see them."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/guests")
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> str:
        """List who answered what."""
        party = self.hosted(slug)
        return str(self.render_template("parties/guests.html", party=party))
