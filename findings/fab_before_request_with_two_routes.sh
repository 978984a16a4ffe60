#!/usr/bin/env bash
# Flask-AppBuilder 5.3.0: a view with a before_request hook cannot have a method with two routes.
#
# BaseView._register_urls wraps a method anew for each of its URLs, and Flask refuses a second function for one endpoint.
# Its own MasterDetailView.list and GroupByChartView.chart have two routes: no hook can be added to them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq "flask-appbuilder==5.3.0" "marshmallow<4"
output=$("$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
from flask import Flask
from flask_appbuilder import AppBuilder, BaseView, expose
from flask_appbuilder.hooks import before_request
from flask_sqlalchemy import SQLAlchemy


class Plain(BaseView):
    @expose("/one")
    @expose("/two")
    def page(self):
        return "page"


class Hooked(Plain):
    @before_request
    def hook(self):
        return None


app = Flask("site")
app.config.update(SECRET_KEY="x", SQLALCHEMY_DATABASE_URI="sqlite://", FAB_CREATE_DB=False, FAB_UPDATE_PERMS=False)
db = SQLAlchemy(app)
with app.app_context():
    appbuilder = AppBuilder(app, db.session)
    for view in (Plain, Hooked):
        try:
            appbuilder.add_view_no_menu(view)
            print(f"{view.__name__}: added")
        except AssertionError as error:
            print(f"{view.__name__}: {error}")
PYTHON
)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
Plain: added
Hooked: View function mapping is overwriting an existing endpoint function: Hooked.page
EXPECTED
echo "as written here"
