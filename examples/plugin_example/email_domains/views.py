"""A page for administrators. `flask setup` stores its permission, and gives it to the role Admin."""

from flask_appbuilder import expose, has_access

from app.crud.views import BaseView
from email_domains import refusals


class RefusedDomainView(BaseView):
    """The domains that were refused."""

    route_base = "/refused-domains"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> str:
        """Show the domains that were refused most often."""
        return str(self.render_template("email_domains/refused_domains.html", domains=refusals.most_frequent()))
