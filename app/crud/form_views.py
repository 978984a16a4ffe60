"""Pages with a form of their own, and the first page: Flask-AppBuilder's, each POST with one flash."""

from typing import Any

from flask import make_response, redirect
from flask_appbuilder import IndexView as StockIndexView
from flask_appbuilder import PublicFormView as StockPublicFormView
from flask_appbuilder import SimpleFormView as StockSimpleFormView
from flask_appbuilder import expose, has_access
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.db_errors import translate_db_errors
from app.crud.edit_mixin import OK, UNPROCESSABLE
from app.crud.fields import show_at_field
from app.crud.views import SEE_OTHER, BaseView
from app.database import transaction
from app.errors import DomainError


class IndexView(BaseView, StockIndexView):
    """The first page."""


class PublicFormView(BaseView, StockPublicFormView):
    """A form for everybody. `form_post` runs in a transaction and may raise DomainError; then the form is shown again.

    Flask-AppBuilder's commits nothing, and answers what is refused with 200.
    """

    done_message: object = lazy_gettext("Done.")

    @expose("/form", methods=["GET"])
    def this_form_get(self) -> BaseResponse:
        """Show the form."""
        self._init_vars()
        form = self.form.refresh()
        self.form_get(form)
        return self._form_page(form, OK)

    @expose("/form", methods=["POST"])
    def this_form_post(self) -> BaseResponse:
        """Do what the form asks for."""
        self._init_vars()
        form, pending = self.form.refresh(), flashes.pending_messages()
        if not form.validate():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
            return self._form_page(form, UNPROCESSABLE)
        try:
            with translate_db_errors(), transaction():
                answer = self.form_post(form)
        except DomainError as error:
            show_at_field(form, error)
            flashes.flash_message(error.message, error.category)
            return self._form_page(form, UNPROCESSABLE)
        flashes.flash_default(pending, self.done_message)
        return answer or redirect(self.back_url(), SEE_OTHER)

    def _form_page(self, form: Any, status: int) -> BaseResponse:
        page = self.render_template(
            self.form_template, title=self.form_title, widgets=self._get_edit_widget(form=form), related_views=[]
        )
        return make_response(page, status)


class SimpleFormView(PublicFormView, StockSimpleFormView):
    """A form for those who have the permission; Flask-AppBuilder's has the same weaknesses."""

    @expose("/form", methods=["GET"])
    @has_access
    def this_form_get(self) -> BaseResponse:
        """Show the form."""
        return super().this_form_get()

    @expose("/form", methods=["POST"])
    @has_access
    def this_form_post(self) -> BaseResponse:
        """Do what the form asks for."""
        return super().this_form_post()
