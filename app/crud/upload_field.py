"""The field of a form for the file of a row. A file is kept while other fields are corrected."""

from collections.abc import Callable
from typing import Any

from flask import current_app
from flask_appbuilder.models.mixins import ImageColumn
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.datastructures import FileStorage
from wtforms import Field
from wtforms.validators import ValidationError
from wtforms.widgets import FileInput

from app.crud import images
from app.crud.files import StoredFile, clean_title, keep
from app.errors import DomainError

MEGABYTE = 1024 * 1024
# The beginning of a file that has one of these endings.
SIGNATURES: dict[str, tuple[bytes, ...]] = {
    "pdf": (b"%PDF-",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "docx": (b"PK\x03\x04",),
    "xlsx": (b"PK\x03\x04",),
    "odt": (b"PK\x03\x04",),
    "ods": (b"PK\x03\x04",),
}


class UploadInput(FileInput):
    """The input, with the file that is stored or waits for the rest of the form, and a box that removes it."""

    def __call__(self, field: "UploadField", **kwargs: Any) -> Markup:
        if field.image:
            # An iPhone sends its pictures as JPEG, because HEIC is not among these.
            kwargs.setdefault("accept", ",".join(images.TYPES))
        control = super().__call__(field, **kwargs)
        known = field.known
        if known is None:
            return control
        parts = [Markup('<p class="hint"><bdi>{}</bdi></p>').format(known.title)]
        if field.new is None and field.preview:
            shown = Markup('<img class="preview" src="{}" alt="{}">')
            parts = [shown.format(field.preview(known.value), _("The stored picture"))]
        if field.new is not None:
            parts.append(
                Markup('<p class="hint">{}</p>').format(_("This file was received. It need not be chosen again."))
            )
            kept = Markup('<input type="hidden" name="{}-kept" value="{}">')
            parts.append(kept.format(field.name, known.value))
        if not field.flags.required:
            box = Markup('<label class="choice"><input type="checkbox" name="{}-delete" value="1"{}> {}</label>')
            checked = Markup(" checked") if field.is_removed else ""
            parts.append(
                box.format(field.name, checked, _("Remove the picture") if field.image else _("Remove the file"))
            )
        return Markup("").join([*parts, control])


class UploadField(Field):
    """A file. It is kept while other fields are corrected; `data` is the value of the column."""

    widget = UploadInput()
    data: Any

    def __init__(
        self,
        *args: Any,
        image: ImageColumn | None = None,
        preview: Callable[[str], str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Take the type of the column if it is one of images, and a function that returns the URL of a stored one."""
        super().__init__(*args, **kwargs)
        self.image = image
        self.preview = preview
        self.new: StoredFile | None = None
        self.is_removed = False
        self._refused: str | None = None

    @property
    def known(self) -> StoredFile | None:
        """The file that is sent with the form or else stored."""
        return self.new or StoredFile.parse(self.object_data, is_image=bool(self.image))

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        """Take the file of the request, or the one that was sent before with the same form."""
        super().process(None, *args, **kwargs)
        if formdata is not None:
            self.is_removed = f"{self.name}-delete" in formdata
            sent = [each for each in formdata.getlist(self.name) if isinstance(each, FileStorage) and each.filename]
            if sent:
                self.new = self._take(sent[0])
            elif not self.is_removed:
                self.new = self._waiting(formdata.get(f"{self.name}-kept"))
        if self.new is not None:
            self.data = self.new.value
        elif self.is_removed:
            self.data = None
        # InputRequired and Optional look there.
        self.raw_data = [each for each in (self._refused, self.data) if each]

    def _take(self, sent: FileStorage) -> StoredFile | None:
        try:
            return self._keep(sent.stream.read(max_bytes() + 1), sent.filename or "")
        except DomainError as refused:
            self._refused = str(refused)
            return None

    def _keep(self, content: bytes, title: str) -> StoredFile:
        if len(content) > max_bytes():
            raise DomainError(_("The file is larger than %(limit)s MB.", limit=str(max_bytes() // MEGABYTE)))
        if self.image is None:
            if not _is_what_it_says(title, content):
                raise DomainError(_("This kind of file is not accepted, or the content is not what the name says."))
            return keep(content, title, is_image=False)
        size = self.image.size or current_app.config.get("IMG_SIZE")
        picture = images.convert(content, size, self.image.thumbnail_size)
        # The format may be another one now.
        named = f"{title.rpartition('.')[0] or title}.{picture.ending}"
        return keep(picture.content, named, is_image=True, thumbnail=picture.thumbnail)

    def _waiting(self, value: str | None) -> StoredFile | None:
        """Return the file that was sent with an earlier version of this form."""
        kept = StoredFile.parse(value, is_image=bool(self.image))
        if kept is None or not kept.is_waiting():
            return None
        return StoredFile(kept.name, clean_title(kept.title), kept.storage)

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002 - WTForms' signature
        if self._refused:
            raise ValidationError(self._refused)

    def stored(self) -> str | None:
        """Return the value for the column, after moving a new file from the waiting ones."""
        if self.new is not None:
            self.new.use()
        value: str | None = self.data
        return value

    def populate_obj(self, obj: Any, name: str) -> None:
        """Use the new file; an empty input changes nothing."""
        if self.new is not None or self.is_removed:
            setattr(obj, name, self.stored())


def max_bytes() -> int:
    """Return how large a file may be."""
    most: int = current_app.config["UPLOAD_MAX_BYTES"]
    return most


def _is_what_it_says(title: str, content: bytes) -> bool:
    """Whether a file may have its ending, and begins as files with this ending do."""
    ending = title.rpartition(".")[2].lower()
    allowed = current_app.config.get("FILE_ALLOWED_EXTENSIONS")
    if allowed and ending not in allowed:
        return False
    if ending in images.ENDINGS:
        return images.type_of(content) == images.ENDINGS[ending]
    return ending not in SIGNATURES or content.startswith(SIGNATURES[ending])
