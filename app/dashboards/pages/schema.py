"""The JSON Schema of dashboards, for editors and programs."""

from flask import Response, make_response
from flask_appbuilder import expose

from app.crud.views import BaseView
from app.dashboards.configuration.checking import SCHEMA_FILE


class DashboardSchemaView(BaseView):
    """The published schema, which anybody may read."""

    route_base = "/dashboards"
    default_view = "schema"

    @expose("/schema.json")
    def schema(self) -> Response:
        """Send the schema."""
        response = make_response(SCHEMA_FILE.read_bytes())
        response.mimetype = "application/schema+json"
        return response
