"""Which kind of file it is, by its content: names of files lie."""

import io
import json
import re
import zipfile

from . import addresses, delimited, encodings, excel_xml, html, ldif, lines, markup, opendocument, vcards, xlsx
from .tables import MAX_COLUMNS, MAX_ROWS, Kind, Refusal, RefusedError, Role, Row, Sheet, Source

MAX_BYTES = 4 * 1024 * 1024
# Of text without pictures.
MAX_CHARACTERS, MAX_SIGNS = 1_000_000, 6000
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HTML = re.compile(
    r"\s*(?:<!--.*?-->\s*)*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html|head|body|table|meta|style|ul|ol|div|p|tr)\b",
    re.IGNORECASE | re.DOTALL,
)
# Sheets that were read before, as `Source.text` has them.
SAVED = '{"sheets": '
ERRORS = {
    "#N/A",
    "#DIV/0!",
    "#VALUE!",
    "#REF!",
    "#NAME?",
    "#NUM!",
    "#NULL!",
    "#NV",
    "#BEZUG!",
    "#WERT!",
    "Err:502",
    "Err:522",
}


def read(data: bytes | str, encoding: str = "") -> Source:
    """Return what a file, or a pasted text, contains. Raises RefusedError if it is no list."""
    if isinstance(data, str):
        return _clean(_read_text(data, ""))
    if len(data) > MAX_BYTES:
        raise RefusedError(Refusal.TOO_LARGE)
    if not data.strip(b"\0 \t\r\n"):
        raise RefusedError(Refusal.EMPTY)
    _refuse_pictures(data)
    if data.startswith(b"PK\x03\x04"):
        return _clean(_archive(data))
    if data.startswith(OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise RefusedError(Refusal.ENCRYPTED)
        # Loaded only if it is needed, as the library behind it.
        from . import xls

        return _clean(Source(Kind.XLS, xls.read(data)))
    return _clean(_read_bytes(data, encoding))


def _refuse_pictures(data: bytes) -> None:
    if b"%PDF-" in data[:1024]:
        raise RefusedError(Refusal.PDF)
    if data.startswith(PICTURES[:3]) or (data.startswith(PICTURES[3:]) and b"\0" in data[:64]):
        raise RefusedError(Refusal.PICTURE)
    if data[4:8] == b"ftyp" or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        raise RefusedError(Refusal.PICTURE)
    if data.startswith(b"{\\rtf"):
        raise RefusedError(Refusal.DOCUMENT)


def _archive(data: bytes) -> Source:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise RefusedError(Refusal.DAMAGED) from error
    with archive:
        if "xl/workbook.xml" in names:
            return Source(Kind.XLSX, xlsx.read(archive))
        if "content.xml" in names:
            sheets = opendocument.read(markup.part(archive, "content.xml"))
            if not sheets:
                raise RefusedError(Refusal.DOCUMENT)
            return Source(Kind.ODS, sheets)
    if any(name.endswith(".iwa") for name in names) or "Index.zip" in names:
        raise RefusedError(Refusal.NUMBERS)
    if any(name.startswith(("word/", "ppt/", "META-INF/")) for name in names):
        raise RefusedError(Refusal.DOCUMENT)
    raise RefusedError(Refusal.UNKNOWN)


def _read_bytes(data: bytes, wanted: str) -> Source:
    head = data[:4000]
    if b"<?xml" in head[:200] or head.lstrip().startswith(b"<"):
        if b"urn:schemas-microsoft-com:office:spreadsheet" in head:
            return Source(Kind.EXCEL_XML, excel_xml.read(markup.pieces(data)))
        if b"urn:oasis:names:tc:opendocument" in head:
            return Source(Kind.ODS, opendocument.read(markup.pieces(data)))
    if vcards.START.search(head):
        sheet, encoding = vcards.read(data, wanted)
        return Source(Kind.VCARD, [sheet], encoding, vcards.plain_text(data, encoding))
    text, encoding = encodings.decode(data, wanted or _said(head))
    if "\0" in text.rstrip("\0") or _is_binary(text):
        raise RefusedError(Refusal.UNKNOWN)
    return _read_text(text, encoding)


def _said(head: bytes) -> str:
    """Return the encoding that a web page says it has."""
    found = re.search(rb"<meta[^>]{0,100}charset=[\"']?([\w-]{2,20})", head, re.IGNORECASE)
    return found[1].decode() if found else ""


def _is_binary(text: str) -> bool:
    sample = text[:20_000]
    return sum(ord(c) < 9 or 13 < ord(c) < 32 for c in sample) > len(sample) / 50


def _read_text(text: str, encoding: str) -> Source:
    text = (
        text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\0", "")
    )
    text = text.replace("\x0b", "\n").replace("\x85", "\n")
    if not text.strip(" \t\n,;|"):
        raise RefusedError(Refusal.EMPTY)
    if text.startswith(SAVED):
        return _restore(text)
    head = text[:4000].encode("utf-8", "surrogatepass")
    if vcards.START.search(head):
        coded = text.encode("utf-8", "replace")
        return Source(Kind.VCARD, [vcards.read(coded, "utf-8")[0]], encoding, vcards.plain_text(coded, "utf-8"))
    is_ldif = bool(ldif.START.match(head))
    if is_ldif:
        text = ldif.plain_text(text)
    if len(text) > MAX_CHARACTERS or text.count("@") > MAX_SIGNS:
        raise RefusedError(Refusal.TOO_LONG)
    if is_ldif:
        sheet, _utf_8 = ldif.read(text.encode("utf-8", "replace"), "utf-8")
        return Source(Kind.LDIF, [sheet], encoding, text)
    if HTML.match(text[:4000]):
        return Source(Kind.HTML, html.read(text), encoding, text)
    table = delimited.read(text)
    if table is not None:
        return Source(Kind.TABLE, [table], encoding, text)
    return Source(Kind.TEXT, [lines.read(text)], encoding, text)


def save(source: Source) -> str:
    """Return the text with which the source can be read once more."""
    if source.text:
        return source.text
    sheets = [
        {
            "name": sheet.name,
            "rows": [[row.number, row.is_hidden, row.cells] for row in sheet.rows],
            "hidden": sorted(sheet.hidden_columns),
        }
        for sheet in source.sheets
        if any("@" in cell for row in sheet.rows for cell in row.cells)
    ]
    return SAVED + json.dumps(sheets, ensure_ascii=False) + f', "kind": "{source.kind}"}}'


def _restore(text: str) -> Source:
    """Return sheets that were saved. Anybody can send this text, so nothing about it is taken for granted."""
    try:
        saved = json.loads(text)
        sheets = [
            Sheet(
                str(sheet["name"]),
                [
                    Row(int(n), [str(cell) for cell in cells][:MAX_COLUMNS], bool(hidden))
                    for n, hidden, cells in sheet["rows"]
                ],
                frozenset(int(column) for column in sheet["hidden"]),
            )
            for sheet in saved["sheets"]
        ]
        return Source(Kind(saved["kind"]), sheets)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise RefusedError(Refusal.DAMAGED) from error


def _clean(source: Source) -> Source:
    """Return the source with cleaned cells, and without the rows and sheets that are empty."""
    sheets = []
    for sheet in source.sheets:
        rows = [Row(row.number, [_cell(cell) for cell in row.cells], row.is_hidden) for row in sheet.rows]
        kept = [row for row in rows if any(row.cells)]
        if len(kept) > MAX_ROWS:
            raise RefusedError(Refusal.TOO_LONG)
        if kept:
            sheets.append(sheet._replace(rows=kept))
    if not sheets:
        raise RefusedError(Refusal.EMPTY)
    return source._replace(sheets=sheets)


def _cell(text: str) -> str:
    cleaned = addresses.clean(text).strip()
    # The apostrophe with which exports keep spreadsheets from taking a text for a formula.
    if len(cleaned) > 1 and cleaned[0] == "'" and cleaned[1] in "=+-@\t\r＝＋－＠":
        cleaned = cleaned[1:]
    return "" if cleaned in ERRORS else cleaned


__all__ = ["MAX_BYTES", "Role", "read", "save"]
