"""Ask why before an action is done: the list sends the rows, the next page sends them again with the reason."""

from collections.abc import Sequence
from typing import Any

from flask import make_response, request
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from app.crud import flashes
from app.crud.fields import clean_line

MAX_REASON_LENGTH = 500
ONE_MORE_STEP = lazy_gettext("One more step: give a reason.")


class ReasonForm(FlaskForm):
    """Why something is done to somebody."""

    reason = TextAreaField(
        lazy_gettext("Reason"), filters=[clean_line], validators=[DataRequired(), Length(max=MAX_REASON_LENGTH)]
    )


def ask_for_reason(  # noqa: PLR0913 - what a page is
    view: Any, action: str, items: Sequence[Any], *, title: str, message: str, button: str
) -> tuple[str, BaseResponse | None]:
    """Return the reason that was typed for `action` on `items`, or the page that asks for it.

    An action returns the page as it is; its form comes back to the same action, which has to be a multiple one.
    """
    form = ReasonForm()
    was_asked = form.reason.name in request.form
    if was_asked and form.validate():
        return form.reason.data, None
    flashes.flash_message(*((flashes.CORRECT_THE_FIELDS, "danger") if was_asked else (ONE_MORE_STEP, "info")))
    page = view.render_template(
        "appbuilder/general/reason.html",
        form=form,
        endpoint=f"{view.endpoint}.action_post",
        name=action,
        keys=[view.datamodel.get_pk_value(item) for item in items],
        items=items,
        title=title,
        message=message,
        button=button,
        back=view.back_url(),
    )
    return "", make_response(page, 422 if was_asked else 200)
