"""What becomes of the public attributes of Flask-AppBuilder's bases on ours: each works, differs, or stops the start.

`docs/fab_attributes.md` is written from here:
`python -c "from app.crud import fab_attributes as a; print(a.document(), end='')" > docs/fab_attributes.md`
"""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flask_appbuilder import (
    AppBuilder,
    BaseView,
    DirectByChartView,
    GroupByChartView,
    IndexView,
    MasterDetailView,
    ModelRestApi,
    ModelView,
    MultipleView,
    PublicFormView,
    SimpleFormView,
)
from flask_appbuilder.api import BaseApi
from flask_appbuilder.baseviews import AbstractViewApi, BaseCRUDView, BaseFormView, BaseModelView
from flask_appbuilder.charts.views import BaseChartView
from flask_appbuilder.security.manager import BaseSecurityManager
from flask_appbuilder.security.sqla.manager import SecurityManager

from config import ConfigurationError

SAME = "As in Flask-AppBuilder."


@dataclass(frozen=True)
class Base:
    """The attributes of one of Flask-AppBuilder's classes; `refused` says what to do instead."""

    stock: type
    same: str
    differs: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield each attribute and what becomes of it, in alphabetical order."""
        told = {**dict.fromkeys(self.same.split(), SAME), **self.differs}
        told |= {name: f"**Refused at the start:** {why}" for name, why in self.refused.items()}
        yield from sorted(told.items())


NO_PUBLIC_COLUMNS = "declare the columns instead: what is not named is never shown, written or searched"
NO_HISTORY = "No history of URLs is kept: it can make the cookie too large."
OWN_MESSAGE = "use `constraint_messages`, which has a message for each constraint"
IN_TRANSACTION = "In the transaction of the row; may raise `DomainError`."
AFTER_COMMIT = "After the commit; may raise `DomainError`, which is shown instead of success."
SITE_MAP = "add the view in `app/navigation.py`; none of Flask-AppBuilder's own views is registered"
OWN_LOGIN = "logins are checked in `app/accounts/login/`, and those at providers in `app/accounts/oidc/`"
OWN_EVENTS = "logins are recorded in the audit log; connect to `app/accounts/signals.py`"
SCHEMAS = "As in Flask-AppBuilder; a schema that an API declares shows its own error messages."
FLAT = "a chart is drawn flat, as wide as its page, and as high as it needs"
FORM_PAGES = {
    "this_form_get": SAME,
    "this_form_post": "In a transaction, with one flash: what is refused is shown with 422, and keeps what was typed.",
}
UNUSED = "Empty: this way of logging in does not exist here."

BASES = (
    Base(AbstractViewApi, "create_blueprint get_init_inner_views get_uninit_inner_views"),
    Base(
        BaseView,
        "appbuilder base_permissions blueprint class_permission_name create_blueprint default_view endpoint "
        "exclude_route_methods extra_args get_default_url get_init_inner_views get_method_permission "
        "get_uninit_inner_views include_route_methods limits method_permission_name previous_class_permission_name "
        "previous_method_permission_name render_template route_base static_folder template_folder",
        {
            "update_redirect": f"Does nothing. {NO_HISTORY}",
            "get_redirect": f"Returns `next` of the form, the Referer, or the list. {NO_HISTORY} So there is no `/back`.",
        },
    ),
    Base(
        BaseModelView,
        "base_filters search_form_query_rel_fields search_widget title",
        {
            "datamodel": "Must be an `app.crud.SQLAInterface`: others have unbounded queries, and generic ones no SQL.",
            "base_order": "Required: without an order, pages repeat rows.",
            "label_columns": "Required for every column: a generated label could not be translated.",
            "search_columns": "Nothing else can be searched.",
        },
        {
            "search_exclude_columns": NO_PUBLIC_COLUMNS,
            "search_form": "use `search_widget`: the search has one input, whatever the number of columns",
            "search_form_extra_fields": "use `choices_columns` or `autocomplete_columns`",
        },
    ),
    Base(
        BaseCRUDView,
        "actions add_columns add_fieldsets add_form_extra_fields add_form_query_rel_fields add_row_message add_template "
        "add_widget delete_row_message description_columns edit_columns edit_fieldsets edit_form_extra_fields "
        "edit_form_query_rel_fields edit_row_message edit_template edit_widget formatters_columns get_init_inner_views "
        "get_uninit_inner_views list_columns list_template list_widget prefill_form process_form related_views "
        "show_columns show_fieldsets show_template show_widget validators_columns",
        {
            "add_form": "Must have a field for each of `add_columns`; gets the hidden field for the way back.",
            "edit_form": "Must have a field for each of `edit_columns`; gets the hidden fields for the way back and the lock.",
            "list_title": "Required, as are the titles of all pages: a generated one could not be translated.",
            **dict.fromkeys(("show_title", "add_title", "edit_title"), "Required, if there is such a page."),
            "order_columns": "Only columns that the database can order by.",
            "page_size": "At most 100.",
            **dict.fromkeys(("pre_add", "pre_update", "pre_delete"), IN_TRANSACTION),
            **dict.fromkeys(("post_add", "post_update", "post_delete"), AFTER_COMMIT),
        },
        {
            **dict.fromkeys(("show_exclude_columns", "add_exclude_columns", "edit_exclude_columns"), NO_PUBLIC_COLUMNS),
            **dict.fromkeys(
                (
                    *("add_integrity_error_message", "edit_integrity_error_message"),
                    *("delete_integrity_error_message", "database_error_message"),
                ),
                OWN_MESSAGE,
            ),
            "is_get_mutation_allowed": "GET changes nothing, whatever `FAB_ALLOW_GET_UNSAFE_MUTATIONS` says",
        },
    ),
    Base(
        ModelView,
        "get_action_permission_name list post_add_redirect post_delete_redirect post_edit_redirect show",
        {
            "add": "With errors, the form keeps what was typed and the status is 422.",
            "edit": "The same; when somebody else has saved meanwhile, both texts are shown and the status is 409.",
            "delete": "GET asks for confirmation.",
            "action": "POST only. The rows are those that `base_filters` leave; the action runs in a transaction.",
            "action_post": "The same, with a list of rows. `app.crud.actions.action` always gets a list.",
            "download": "Downloads need a folder, which the site does not have unless it is configured.",
        },
    ),
    Base(
        BaseApi,
        "add_api_spec add_apispec_components apispec_parameter_schemas base_permissions class_permission_name "
        "create_blueprint csrf_exempt endpoint exclude_route_methods get_init_inner_views get_method_permission "
        "get_uninit_inner_views include_route_methods limits merge_current_user_permissions method_permission_name "
        "openapi_spec_component_schemas openapi_spec_methods openapi_spec_tag operation_helper path_helper "
        "previous_class_permission_name previous_method_permission_name resource_name response responses route_base "
        "set_response_key_mappings version",
        {
            "allow_browser_login": "True is refused at the start by a ModelRestApi: an API ignores cookies.",
            **dict.fromkeys(
                (f"response_{status}" for status in (400, 401, 403, 404, 422, 500)),
                "The message is in the language of the member; an English one that is passed is not shown.",
            ),
        },
    ),
    Base(
        ModelRestApi,
        "add_apispec_components add_model_schema_name add_query_rel_fields base_filters create_blueprint "
        "description_columns edit_model_schema_name edit_query_rel_fields info info_headless list_model_schema_name "
        "list_select_columns max_page_size merge_add_field_info merge_add_title merge_description_columns "
        "merge_edit_field_info merge_edit_title merge_label_columns merge_list_columns merge_list_label_columns "
        "merge_list_title merge_order_columns merge_search_filters merge_show_columns merge_show_label_columns "
        "merge_show_title model2schemaconverter order_columns order_rel_fields page_size pre_get pre_get_list "
        "search_filters show_model_schema_name show_select_columns",
        {
            "base_order": "Required: without an order, pages repeat rows.",
            **dict.fromkeys(
                ("list_columns", "show_columns"),
                "Required. A related row is shown by one of its columns: a bare relation would send password hashes.",
            ),
            **dict.fromkeys(("add_columns", "edit_columns"), "Required. The value of a relation is a key."),
            "search_columns": "Required, may be empty. A relation is searched by the key of the related row.",
            "label_columns": "None is generated: it could not be translated.",
            **dict.fromkeys(
                ("list_title", "show_title", "add_title", "edit_title"), "The default is translated, without the model."
            ),
            "validators_columns": "Also a list of validators; their own messages are shown, Marshmallow's are translated.",
            **dict.fromkeys(
                ("list_model_schema", "show_model_schema", "add_model_schema", "edit_model_schema"), SCHEMAS
            ),
            **dict.fromkeys(("get", "get_headless"), "Sends an ETag with the version of the row."),
            **dict.fromkeys(("get_list", "get_list_headless"), "`count` is at most 10,000."),
            **dict.fromkeys(("post", "post_headless"), "Text is cleaned of control characters."),
            **dict.fromkeys(("put", "put_headless"), "The same; another version in If-Match is refused with 412."),
            **dict.fromkeys(("delete", "delete_headless"), "Another version in If-Match is refused with 412."),
            **dict.fromkeys(("pre_add", "pre_update", "pre_delete"), IN_TRANSACTION),
            **dict.fromkeys(("post_add", "post_update", "post_delete"), AFTER_COMMIT),
        },
        {
            **dict.fromkeys(
                (
                    *("list_exclude_columns", "show_exclude_columns", "add_exclude_columns"),
                    *("edit_exclude_columns", "search_exclude_columns"),
                ),
                NO_PUBLIC_COLUMNS,
            ),
            **dict.fromkeys(
                ("list_outer_default_load", "show_outer_default_load"),
                "name what is loaded along in `list_select_columns` or `show_select_columns`",
            ),
        },
    ),
    Base(
        AppBuilder,
        "add_api add_limits add_link add_separator add_view add_view_no_menu app app_icon app_name app_theme "
        "get_url_for_index get_url_for_login get_url_for_login_with get_url_for_logout languages post_init "
        "register_blueprint security_cleanup security_converge security_manager_class session template_filters version",
        {
            "init_app": f"Registers none of Flask-AppBuilder's own views: {SITE_MAP.partition(';')[0]}.",
            "add_permissions": "`flask setup` stores permissions; the start writes nothing to the database.",
            "get_url_for_userinfo": "The page of one's own profile.",
            "get_url_for_locale": "The language is changed by POST: this is the first page.",
        },
    ),
    Base(
        BaseSecurityManager,
        "add_limit_view add_permission add_permission_role add_permission_view_menu add_permissions_menu "
        "add_permissions_view add_role add_group add_user add_view_menu api_login_allow_multiple_providers auth_role_admin "
        "auth_role_public auth_type auth_type_provider_name auth_user_registration auth_user_registration_role "
        "auth_view before_request count_users create_db create_limiter create_state_transitions current_user "
        "del_permission del_permission_role del_permission_view_menu del_register_user del_view_menu "
        "exist_permission_on_roles exist_permission_on_view exist_permission_on_views export_roles "
        "extract_api_key_from_request find_group find_permission find_permission_view_menu find_permissions_view_menu "
        "find_register_user find_role find_roles_permission_view_menus find_view_menu get_all_roles get_all_users "
        "get_all_view_menu get_db_role_permissions get_public_permissions get_public_role get_register_user_datamodel "
        "get_role_permissions get_url_for_registeruser get_user_by_id get_user_datamodel get_user_permissions "
        "get_user_roles get_user_roles_permissions import_roles jwt_manager lm registeruser_view role_model "
        "group_model permission_model viewmenu_model permissionview_model security_cleanup security_converge "
        "update_role update_user user_view",
        {
            "user_model": "`Member`.",
            "registeruser_model": "`Registration`.",
            "find_user": "By username or e-mail, whatever its case.",
            "auth_username_ci": "Names have no case, whatever this says.",
            "add_register_user": "Stores a row without an e-mail: `app/accounts/registration/service.py` registers people.",
            "reset_password": "By the rules for passwords; ends the sessions of the member.",
            "create_login_manager": "Login sessions are rows that can be ended.",
            "create_jwt_manager": "Tokens end with the sessions of their member; refusals are translated.",
            "load_user": "The member of the login session in the cookie.",
            "load_user_jwt": "Refuses tokens from before all sessions were ended.",
            **dict.fromkeys(("auth_user_db", "auth_user_ldap"), "With the login throttle."),
            **dict.fromkeys(
                ("has_access", "is_item_public", "get_user_menu_access"), "Permissions are read once per request."
            ),
            **dict.fromkeys(
                (
                    "validate_api_key",
                    "create_api_key",
                    "revoke_api_key",
                    "find_api_keys_for_user",
                    "get_api_key_by_uuid",
                ),
                "As the pages of API keys do. The REST API over keys is not registered: a stolen key could make others.",
            ),
            **dict.fromkeys(
                (
                    *("auth_ldap_allow_self_signed", "auth_ldap_append_domain", "auth_ldap_bind_first"),
                    *("auth_ldap_bind_password", "auth_ldap_bind_user", "auth_ldap_email_field"),
                    *("auth_ldap_firstname_field", "auth_ldap_group_field", "auth_ldap_lastname_field"),
                    *("auth_ldap_search", "auth_ldap_search_filter", "auth_ldap_server", "auth_ldap_tls_cacertdir"),
                    *("auth_ldap_tls_cacertfile", "auth_ldap_tls_certfile", "auth_ldap_tls_demand"),
                    *("auth_ldap_tls_keyfile", "auth_ldap_uid_field", "auth_ldap_use_tls", "auth_ldap_username_format"),
                ),
                "What the LDAP variables of `config.py` set.",
            ),
            **dict.fromkeys(
                (
                    *("auth_roles_mapping", "auth_roles_sync_at_login", "auth_user_registration_role_jmespath"),
                    *("auth_auto_create_groups", "auth_groups_sync_at_login"),
                    *("auth_remote_user_env_var", "oauth_providers"),
                ),
                "What the setting of that name says.",
            ),
            **dict.fromkeys(
                ("get_groups_from_keys", "get_roles_from_keys"),
                "As in Flask-AppBuilder; the site itself asks `app/accounts/role_mapping.py`.",
            ),
            "auth_user_oauth": "For code of your own: finds and adds people by `username`, which nobody else may ever get, and "
            "needs their e-mail address. Pages know people by the provider's key for them.",
            "oauth_remotes": "Authlib's clients by the names of the providers, with PKCE, and strong signatures only.",
            "oauth_user_info": "May be a method, or the function that `oauth_user_info_getter` has been given.",
            "oauth_user_info_getter": "What the function returns fills in the registration, and has the `role_keys`. People "
            "are known by the ID token; without OpenID Connect by `sub`, `id` or `username`, the first that is returned: it "
            "must never be given to somebody else.",
            "get_oauth_user_info": "In a login: the claims of the checked ID token, GitHub's verified address, what Google or a "
            "`userinfo_endpoint` tells, or as in Flask-AppBuilder. For other callers as in Flask-AppBuilder, which checks "
            "signatures only with `verify_signature`.",
            **dict.fromkeys(
                ("auth_rate_limit", "is_auth_limited"), "A limit of the login page, beside those that views have."
            ),
            **dict.fromkeys(
                ("on_user_login", "on_user_login_failed", "on_user_logout"),
                "Called for pages, the API, LDAP, providers and the web server; docs/fab.md says when.",
            ),
            **dict.fromkeys(
                (
                    *("oauth", "saml_config", "saml_providers"),
                    *("get_saml_provider", "get_saml_settings"),
                ),
                UNUSED,
            ),
            "builtin_roles": "Empty: see create_builtin_roles.",
        },
        {
            "create_builtin_roles": "`ROLES` in `app/navigation.py` has the roles of a new site; the setting `FAB_ROLES` adds others",
            "register_views": SITE_MAP,
            **dict.fromkeys(
                (
                    *("authdbview", "authldapview", "authoauthview", "authremoteuserview", "authsamlview"),
                    *("groupmodelview", "permissionmodelview", "permissionviewmodelview", "registeruserdbview"),
                    *("registeruseroauthview", "registerusermodelview", "resetmypasswordview", "resetpasswordview"),
                    *("rolemodelview", "security_api", "userdbmodelview", "userinfoeditview", "userldapmodelview"),
                    *("useroauthmodelview", "userremoteusermodelview", "usersamlmodelview", "userstatschartview"),
                    "viewmenumodelview",
                ),
                SITE_MAP,
            ),
            **dict.fromkeys(
                (
                    *("auth_user_remote_user", "auth_user_saml", "get_oauth_token_key_name"),
                    *("get_oauth_token_secret_name", "get_saml_login_redirect_url"),
                    *("get_saml_logout_redirect_url", "get_saml_userinfo", "ldap_extract", "ldap_extract_list"),
                    *("oauth_tokengetter", "oauth_whitelists"),
                    "set_oauth_session",
                ),
                OWN_LOGIN,
            ),
            "update_user_auth_stat": OWN_EVENTS,
        },
    ),
    Base(
        SecurityManager,
        "add_group add_permission add_permission_role add_permission_view_menu add_role add_user add_view_menu "
        "api_key_model count_users create_db del_permission del_permission_role del_permission_view_menu "
        "del_register_user del_view_menu delete_group delete_role delete_user exist_permission_on_roles "
        "exist_permission_on_view exist_permission_on_views export_roles find_group find_permission "
        "find_permission_view_menu find_permissions_view_menu find_register_user find_role "
        "find_roles_permission_view_menus find_view_menu get_all_roles get_all_users get_all_view_menu "
        "get_db_role_permissions get_first_user get_public_permissions get_public_role get_user_by_id "
        "get_user_roles_permissions group_model import_roles noop_user_update permission_model permissionview_model "
        "role_model session update_role update_user viewmenu_model",
        dict.fromkeys(
            (
                *("add_register_user", "create_api_key", "find_api_keys_for_user", "find_user", "get_api_key_by_uuid"),
                *("register_views", "registeruser_model", "revoke_api_key", "user_model", "validate_api_key"),
            ),
            "See BaseSecurityManager.",
        ),
        dict.fromkeys(
            (
                *("group_api", "permission_api", "permission_view_menu_api", "role_api", "user_api"),
                "view_menu_api",
            ),
            SITE_MAP,
        ),
    ),
    Base(
        BaseChartView,
        "chart_template chart_widget default_view group_by_label search_widget title",
        {
            "chart_title": "Required: a generated one could not be translated.",
            "chart_type": "ColumnChart, BarChart, LineChart, AreaChart or PieChart; any other is refused at the start.",
        },
        dict.fromkeys(("chart_3d", "group_bys", "height", "width"), FLAT),
    ),
    Base(
        GroupByChartView,
        "ProcessClass chart chart_template chart_type chart_widget",
        {
            "definitions": "Each needs a `label`. The database counts, adds and averages; other functions get 10,000 rows."
        },
        {"get_group_by_class": "declare `ProcessClass`"},
    ),
    Base(DirectByChartView, "ProcessClass"),
    Base(
        BaseFormView,
        "default_view edit_widget form form_columns form_fieldsets form_get form_post form_template form_title",
    ),
    Base(SimpleFormView, "", FORM_PAGES),
    Base(PublicFormView, "", FORM_PAGES),
    Base(
        MultipleView,
        "get_init_inner_views get_uninit_inner_views list_template views",
        {"list": "Each view is shown to those who may open it alone."},
    ),
    Base(
        MasterDetailView,
        "list list_template list_widget",
        {},
        {"master_div_width": "the list is beside the other ones where there is room"},
    ),
    Base(IndexView, "default_view index index_template route_base"),
)


def refuse(declared: object, ours: type) -> None:
    """Raise ConfigurationError if the class of `declared` changes an attribute of `ours` that would have no effect."""
    own = type(declared)
    for base in BASES:
        if not issubclass(ours, base.stock):
            continue
        for name, why in base.refused.items():
            before, now = (inspect.getattr_static(each, name, None) for each in (ours, own))
            if now is not before and (now or before):
                raise ConfigurationError(f"{own.__name__} must not declare {name}: {why}")


def document() -> str:
    """Return docs/fab_attributes.md."""
    lines = [
        "# Attributes of Flask-AppBuilder",
        "",
        "What becomes of every public attribute of the classes of Flask-AppBuilder 5.3 that ours are built on. Nothing is",
        "ignored in silence: what would have no effect stops the start, in a sentence that says what to do instead. This",
        "page is written from the table in `app/crud/fab_attributes.py`, which has the command.",
        "",
    ]
    for base in BASES:
        lines += [f"## {base.stock.__name__}", "", "| attribute | here |", "|---|---|"]
        lines += [f"| `{name}` | {told} |" for name, told in base.rows()]
        lines.append("")
    return "\n".join(lines)
