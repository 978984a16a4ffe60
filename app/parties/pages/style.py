"""Every component of the pages in all of its states, as the pages draw it: `/style/`, for administrators. See docs/design.md."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext, pgettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateTimeLocalField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from app.charts.model import Axis, Mark, Plot, Point, Series
from app.crud.views import BaseView
from app.parties.enums import Course, Visibility


class StyleForm(FlaskForm):
    """A field of each kind."""

    class Meta:
        csrf = False

    title = StringField(lazy_gettext("Title"), validators=[InputRequired()])
    venue = StringField(lazy_gettext("Venue"), description=lazy_gettext("Days begin at midnight UTC."))
    starts_at = DateTimeLocalField(lazy_gettext("Starts at"), validators=[InputRequired()])
    visibility = SelectField(lazy_gettext("Visibility"), choices=list(Visibility.labels().items()))
    description = TextAreaField(lazy_gettext("Information for guests"))
    courses = SelectMultipleField(
        lazy_gettext("Course"),
        choices=list(Course.labels().items()),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    approval = BooleanField(lazy_gettext("The host approves each guest"))


@dataclass(frozen=True)
class Pane:
    """The components in one scheme and one direction."""

    scheme: str
    direction: str
    form: StyleForm

    @property
    def name(self) -> str:
        """What the IDs of its elements begin with."""
        return f"{self.scheme}-{self.direction}"


class StyleView(BaseView):
    """The style page."""

    route_base = "/style"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> str:
        """Show the components four times: by day and by night, left to right and right to left."""
        page = self.render_template(
            "parties/style.html",
            panes=list(_panes()),
            # In place of those that the include asks for.
            sample_messages=lambda told: lambda **_options: told,
            told=[
                ("info", _("Saved.")),
                ("warning", _("Select at least one row.")),
                ("danger", _("Invalid login. Please try again.")),
            ],
            chart=Plot(
                [Series(pgettext("count", "Number"), [Point(_("Month"), 5), Point(_("Day"), 3)], Mark.BAR)],
                x=Axis(_("State")),
            ),
        )
        return str(page)


def _panes() -> Iterator[Pane]:
    for scheme in ("light", "dark"):
        for direction in ("ltr", "rtl"):
            form = StyleForm(formdata=None, prefix=f"{scheme}-{direction}-")
            # As after a form without a title was sent.
            form.title.errors = [form.title.gettext("This field is required.")]
            yield Pane(scheme, direction, form)
