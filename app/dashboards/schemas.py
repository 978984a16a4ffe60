"""API schemas of dashboards."""

from typing import Any

from marshmallow import Schema, fields

from app.dashboards.data.models import MAX_FILE_NAME
from app.dashboards.enums import Layout, MemberRole
from app.dashboards.links.service import MAX_DAYS
from app.dashboards.models import MAX_CATEGORY_LENGTH, MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH
from app.dashboards.rules import MAX_HEIGHT, MAX_MEMBERS, MAX_MODULES, MAX_PLACE, MAX_WIDTH, MIN_HEIGHT
from app.parties.api_fields import (
    AtMostValidator,
    ChoiceField,
    RequestSchema,
    TextField,
    WholeNumberField,
    described,
)

CONFIGURATION = {
    "type": "object",
    "description": "Layout and modules. The JSON Schema at /dashboards/schema.json describes it",
}
VERSION = described("That of the dashboard which is to be changed. It can be sent as If-Match instead")
PROBLEM = {
    "type": "object",
    "properties": {
        "message": {"type": "string"},
        "path": {"type": "string", "example": "modules[0].width"},
        "line": {"type": "integer", "description": "0 if unknown"},
        "column": {"type": "integer"},
    },
}
PROBLEMS = {"problems": {"type": "array", "items": PROBLEM}}


def _configuration(**options: Any) -> fields.Raw:
    return fields.Raw(metadata=CONFIGURATION, **options)


class DashboardInput(RequestSchema):
    """A new dashboard."""

    name = TextField(MAX_NAME_LENGTH, least=1, required=True)
    category = TextField(MAX_CATEGORY_LENGTH, load_default="")
    description = TextField(MAX_DESCRIPTION_LENGTH, load_default="")
    configuration = _configuration(load_default=None, allow_none=True)


class DashboardChangeInput(RequestSchema):
    """What is to be changed; the rest stays as it is."""

    name = TextField(MAX_NAME_LENGTH, least=1)
    category = TextField(MAX_CATEGORY_LENGTH)
    description = TextField(MAX_DESCRIPTION_LENGTH)
    configuration = _configuration()
    version = WholeNumberField(1, 2**31 - 1, **VERSION)


class PlaceInput(RequestSchema):
    """Where a module is, and how large. What is left out stays as it is."""

    id = TextField(80, least=1, required=True)
    row = WholeNumberField(1, MAX_MODULES)
    order = WholeNumberField(0, MAX_PLACE)
    width = WholeNumberField(1, MAX_WIDTH)
    height = WholeNumberField(MIN_HEIGHT, MAX_HEIGHT)
    x = WholeNumberField(0, MAX_PLACE)
    y = WholeNumberField(0, MAX_PLACE)


class ArrangementInput(RequestSchema):
    """Modules that move or change their size."""

    layout = ChoiceField(Layout.labels())
    modules = fields.List(fields.Nested(PlaceInput), required=True, validate=AtMostValidator(MAX_MODULES, of="entries"))
    version = WholeNumberField(1, 2**31 - 1, **VERSION)


class VersionInput(RequestSchema):
    """The version of the dashboard that is to be changed."""

    version = WholeNumberField(1, 2**31 - 1, **VERSION)


class GlobalInput(RequestSchema):
    """Whether everybody sees the dashboard."""

    is_global = fields.Boolean(required=True, truthy={True}, falsy={False})


class SharedMember(Schema):
    """A member with whom a dashboard is shared."""

    username = TextField(64, least=1, required=True)
    role = ChoiceField(MemberRole.labels(), required=True)


class MembersInput(RequestSchema):
    """All with whom the dashboard is shared."""

    members = fields.List(
        fields.Nested(SharedMember), required=True, validate=AtMostValidator(MAX_MEMBERS, of="entries")
    )


class LinkInput(RequestSchema):
    """How long a link is valid."""

    days = WholeNumberField(1, MAX_DAYS, required=True)


class LinkSummary(Schema):
    """A link by which anybody sees a dashboard."""

    id = fields.Integer()
    creator = fields.Function(
        lambda link: link.creator.username, metadata={"type": "string", "description": "Whose figures it shows"}
    )
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()


class NewLink(LinkSummary):
    """A link that was just created."""

    url = fields.String(**described("It cannot be read again"))


class WeeklyInput(RequestSchema):
    """Whether one gets a dashboard by e-mail each week."""

    is_weekly = fields.Boolean(required=True, truthy={True}, falsy={False})


class UploadInput(RequestSchema):
    """A CSV file."""

    name = TextField(MAX_FILE_NAME, least=1, required=True)
    file = fields.String(required=True, **described("What is in the file"))


class UploadSummary(Schema):
    """A CSV file of a dashboard."""

    id = fields.String(attribute="key")
    name = fields.String()
    rows = fields.Integer(attribute="row_count")
    created_at = fields.AwareDateTime()


class DashboardSummary(Schema):
    """A dashboard in a list."""

    id = fields.String(attribute="slug")
    name = fields.String()
    category = fields.String()
    description = fields.String()
    layout = fields.String(metadata={"enum": list(Layout)})
    is_global = fields.Boolean(**described("Whether everybody who may see dashboards sees it"))
    owner = fields.Function(
        lambda dashboard: dashboard.owner.username if dashboard.owner else None,
        metadata={"type": "string", "nullable": True, "description": "The username; null if it is the site's"},
    )
    version = fields.Integer(**described("Send it with a change, in the body or as If-Match"))
    created_at = fields.AwareDateTime()
    changed_at = fields.AwareDateTime()


class DashboardDetails(DashboardSummary):
    """A dashboard."""

    configuration = _configuration()


class DashboardVersionSummary(Schema):
    """A version in the history of a dashboard."""

    number = fields.Integer()
    name = fields.String()
    author = fields.Function(
        lambda version: version.author.username if version.author else None,
        metadata={"type": "string", "nullable": True, "description": "The username of who made it"},
    )
    created_at = fields.AwareDateTime()


class DashboardVersionDetails(DashboardVersionSummary):
    """What a dashboard was."""

    category = fields.String()
    description = fields.String()
    configuration = _configuration()
