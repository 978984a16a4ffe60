"""Ask for a reason before an action: the list submits the rows, and this page submits them again with the reason."""

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
    reason = TextAreaField(
        lazy_gettext("Reason"), filters=[clean_line], validators=[DataRequired(), Length(max=MAX_REASON_LENGTH)]
    )


def ask_for_reason(  # noqa: PLR0913 - what a page is
    view: Any, action: str, items: Sequence[Any], *, title: str, message: str, button: str
) -> tuple[str, BaseResponse | None]:
    """Return the reason for `action` on `items`, or the page that asks for it.

    The action has to return that page. Its form submits to the same action, which must accept several rows.
    """
    form = ReasonForm()
    is_submitted = form.reason.name in request.form
    if is_submitted and form.validate():
        return form.reason.data, None
    flashes.flash_message(*((flashes.CORRECT_THE_FIELDS, "danger") if is_submitted else (ONE_MORE_STEP, "info")))
    page = view.render_template(
        "appbuilder/general/reason_form.html",
        form=form,
        endpoint=f"{view.endpoint}.action_post",
        name=action,
        keys=view.datamodel.get_keys(items),
        items=items,
        title=title,
        message=message,
        button=button,
        back=view.back_url(),
    )
    return "", make_response(page, 422 if is_submitted else 200)
