"""Marshmallow fields of the API. They clean values as form fields do, and their errors are translated."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from marshmallow import Schema, ValidationError, fields, validate

from app.crud.api_errors import TranslatedMessage
from app.crud.fields import FIRST_YEAR, LAST_YEAR, as_moment, clean_text
from app.i18n import locales
from app.i18n.selectors import is_timezone, zone_info
from app.parties import rules


class BetweenValidator(validate.Range):
    """A number from `least` to `most`, both included."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least, most)
        self.least, self.most = least, most

    def _format_error(self, _value: Any, _message: str) -> str:
        text = _("This must be a number from %(least)d to %(most)d.", least=self.least, most=self.most)
        return TranslatedMessage(text)


class AtMostValidator(validate.Length):
    """At most so many characters; of a list, entries."""

    def __init__(self, most: int, *, of: str = "characters") -> None:
        super().__init__(max=most)
        self.most, self.of = most, of

    def _format_error(self, _value: Any, _message: str) -> str:
        if self.of == "characters":
            text = ngettext(
                "At most %(num)d character is allowed.", "At most %(num)d characters are allowed.", self.most
            )
        else:
            text = ngettext("At most %(num)d entry is allowed.", "At most %(num)d entries are allowed.", self.most)
        return TranslatedMessage(text)


class OneOfValidator(validate.OneOf):
    """One of a set of values."""

    def _format_error(self, _value: Any) -> str:
        return TranslatedMessage(_("This must be one of: %(choices)s.", choices=self.choices_text))


class TextField(fields.String):
    """A text without control characters and surrounding spaces. With `least=1` it must not be empty."""

    def __init__(self, most: int, *, least: int = 0, **kwargs: Any) -> None:
        validators: list[Any] = [AtMostValidator(most)]
        super().__init__(validate=[*([FilledValidator()] if least else []), *validators], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return clean_text(super()._deserialize(value, attr, data, **kwargs))


class FilledValidator(validate.Length):
    """A value that is not empty."""

    def __init__(self) -> None:
        super().__init__(min=1)

    def _format_error(self, _value: Any, _message: str) -> str:
        return TranslatedMessage(_("This field must be filled in."))


class WholeNumberField(fields.Integer):
    """A whole number. Strings and fractions are refused."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=BetweenValidator(least, most), **kwargs)

    def _validated(self, value: Any) -> int:
        if not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class ChoiceField(fields.String):
    """One of the keys of `choices`."""

    def __init__(self, choices: Iterable[str], **kwargs: Any) -> None:
        super().__init__(validate=OneOfValidator(list(choices)), **kwargs)


class ChoicesField(fields.List):
    """A list of keys of `choices`, without duplicates."""

    def __init__(self, choices: Iterable[str], **kwargs: Any) -> None:
        known = list(choices)
        super().__init__(ChoiceField(known), validate=AtMostValidator(len(known), of="entries"), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        return list(dict.fromkeys(super()._deserialize(value, attr, data, **kwargs)))


class MomentField(fields.DateTime):
    """A moment in ISO 8601. Without an offset, it is local time in the time zone of the party."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        moment: datetime = super()._deserialize(value, attr, data, **kwargs)
        # Adding the offset of a time zone must not leave the range of datetime.
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise self.make_error("invalid", input=value, obj_type="datetime")
        return moment


class TimezoneField(fields.String):
    """The IANA name of a time zone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        name: str = super()._deserialize(value, attr, data, **kwargs)
        if not is_timezone(name):
            raise ValidationError(
                TranslatedMessage(_("There is no time zone with this name. Enter a city, for example Europe/Madrid.")),
                attr or "",
            )
        return name


class LocaleField(fields.String):
    """The key of a language of the site."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        info = locales.find(super()._deserialize(value, attr, data, **kwargs))
        if info is None:
            raise ValidationError(TranslatedMessage(_("This language is not available on the site.")), attr or "")
        return info.key


class WebLinkField(TextField):
    """A URL with http or https, or an empty string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        link = super()._deserialize(value, attr, data, **kwargs)
        if link and not rules.is_web_link(link):
            raise ValidationError(
                TranslatedMessage(
                    _(
                        "This is not a valid web address. It must look like https://maps.example.org/place "
                        "and must not contain a password."
                    )
                ),
                attr or "",
            )
        return link


class RequestSchema(Schema):
    """The base of schemas of requests. Unknown fields are refused."""


def read_clocks(sent: dict[str, Any], timezone: str) -> None:
    """Convert local times in `sent` to moments, in the time zone that was sent, or else in `timezone`. Changes `sent`."""
    zone = zone_info(sent.get("timezone") or timezone)
    for name, value in sent.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            sent[name] = as_moment(value, zone)
            if sent[name] is None:
                text = _("This time does not exist because the clocks go forward. Choose another.")
                raise ValidationError({name: [TranslatedMessage(text)]})


def described(description: str, **more: Any) -> dict[str, Any]:
    """Return the arguments that give a field this description in the OpenAPI document."""
    return {"metadata": {"description": description, **more}}
