"""Reading lists of people: every kind of file, as programs write them and as people type them."""

import io
import resource
import zipfile
from collections.abc import Sequence

import pytest
import xlrd
from hypothesis import given, settings
from hypothesis import strategies as st

from app.parties.invitations.lists import people as people_of_rows
from app.parties.invitations.lists import process, reader
from app.parties.invitations.lists.people import Fate
from app.parties.invitations.lists.reader import Choices
from app.parties.invitations.lists.tables import Kind, Refusal, RefusedError, Role
from tests.support import THOROUGH

ROSA, EMIL, HUDA = "rosa@example.org", "emil@example.com", "huda@example.net"
NAMED = [("Rosa Quintero", ROSA), ("Emil Strand", EMIL), ("Huda Salem", HUDA)]
SEATED = [("Rosa Quintero", ROSA, 2), ("Emil Strand", EMIL, 1), ("Huda Salem", HUDA, 3)]


def read(data, **choices):
    return reader.read(data, Choices(**choices))


def people(data):
    return [(person.name, person.email, person.seats) for person in read(data).people]


def named(data):
    return [(person.name, person.email) for person in read(data).people]


def fates(data):
    return [row.fate for row in read(data).rows]


# -- titles


@pytest.mark.parametrize(
    "titles",
    [
        "First name;Last name;Email;Number of guests",
        "Guest First Name;Guest Last Name;Email address (required);How many people are coming?",
        "Nombre;Apellidos;Correo electrónico;Plazas",
        "Nombre del asistente;Apellidos del asistente;Correo electrónico del asistente;Cantidad",
        "Prénom;Nom;Courriel;Nombre",
        "Vorname;Name;E-Mail-Adresse;Anzahl Personen",
        "Nome;Cognome;Indirizzo e-mail;Posti",
        "Nome;Sobrenome;E-mail;Nº de pessoas",
        "Voornaam;Achternaam;E-mailadres;Aantal gasten",
        "Imię;Nazwisko;Adres e-mail;Liczba osób",
        "Förnamn;Efternamn;E-post;Antal",
        "Fornavn;Efternavn;E-mail;Antal gæster",
        "Имя;Фамилия;Эл. почта;Кол-во гостей",
        "Ім'я;Прізвище;Ел. пошта;Кількість осіб",
        "Jméno;Příjmení;E-mail;Počet osob",
        "Keresztnév;Vezetéknév;E-mail;Fő",
        "Ad;Soyad;E-posta;Kişi sayısı",
        "الاسم الأول;اسم العائلة;البريد الإلكتروني;عدد الأشخاص",
        "שם פרטי;שם משפחה;דואל;כמות",
    ],
)
def test_first_and_last_name_address_and_seats_are_known_by_their_titles(titles):
    rows = "".join(f"{name.replace(' ', ';')};{email};{seats}\n" for name, email, seats in SEATED)
    assert people(f"{titles}\n{rows}") == SEATED


@pytest.mark.parametrize(
    "titles",
    [
        "姓名,邮箱,人数",
        "氏名,メール,人数",
        "이름,이메일,인원",
        "Guest,E-mail,Guests",
        "Ospite,Mail,Quanti",
        "What is your name?,Email Address,How many people will attend?",
        "¿Cómo te llamas?,Dirección de correo electrónico,¿Cuántos venís?",
        "Wie heißt du?,E-Mail-Adresse,Wie viele Personen kommen?",
        "Comment t'appelles-tu ?,Adresse e-mail,Combien serez-vous ?",
        "ما اسمك؟,البريد الإلكتروني,كم عدد الأشخاص؟",
    ],
)
def test_whole_names_are_known_by_their_titles(titles):
    rows = "".join(f"{name},{email},{seats}\n" for name, email, seats in SEATED)
    assert people(f"{titles}\n{rows}") == SEATED


def test_the_family_name_stands_first_where_the_titles_are_east_asian():
    assert named("姓,名,メールアドレス\n山田,花子,h@example.org\n") == [("山田 花子", "h@example.org")]


def test_a_number_is_seats_only_where_the_title_says_so():
    titles = "No.,Name,Email,Age,Year joined,House number,Table number,Number of guests"
    assert people(f"{titles}\n12,Rosa Quintero,{ROSA},45,2019,17,7,2\n") == SEATED[:1]
    assert people(f"12,Rosa Quintero,{ROSA},2\n13,Emil Strand,{EMIL},1") == [(*NAMED[0], None), (*NAMED[1], None)]


@pytest.mark.parametrize(
    ("titles", "cells", "seats"),
    [
        ("Plus ones", "3", 4),
        ("+1", "yes", 2),
        ("Plus one", "No", 1),
        ("Companions", "Luis Gil; Eva", 3),
        ("Adults,Kids", "2,1", 3),
        ("Guests,Children", "2,1", 2),
        ("Seats", "٣", 3),
        ("Seats", "2 people", 2),
        ("Seats", "2+1", 3),
        ("Seats", "0", 1),
        ("Seats", "5000", 1000),
        ("Seats", "#DIV/0!", None),
        ("Seats", "two", None),
        ("Seats", "2-3", None),
    ],
)
def test_companions_and_children_count_as_seats(titles, cells, seats):
    assert people(f"Name,Email,{titles}\nRosa Quintero,{ROSA},{cells}\n") == [(*NAMED[0], seats)]


def test_titles_of_other_things_do_not_enter_the_name():
    titles = "First Name,Last Name,Nickname,Company,Assistant's Name,Manager's Name,E-mail Address,E-mail Type"
    assert named(f"{titles}\nRosa,Quintero,Ro,ACME,Pia Koch,Greta Holm,{ROSA},SMTP\n") == NAMED[:1]


def test_a_second_address_is_the_same_person():
    text = f"Name,E-mail 1 - Value,E-mail 2 - Value\nRosa,{ROSA} ::: two@example.org,three@example.org\n"
    (person,) = read(text).people
    assert (person.email, person.also) == (ROSA, ["two@example.org", "three@example.org"])


@pytest.mark.parametrize(
    "titles",
    [
        "Nome,Cognome,Nome assistente,Indirizzo posta elettronica,Indirizzo posta elettronica 2",
        "Prénom,Nom de famille,Surnom,Première adresse électronique,Adresse électronique secondaire",
        "Imię,Nazwisko,Asystent,Adres e-mail,Adres e-mail 2",
    ],
)
def test_the_first_address_is_the_one_that_the_titles_put_first(titles):
    (person,) = read(f"{titles}\nRosa,Quintero,Pia Koch,{ROSA},two@example.org\n").people
    assert (person.name, person.email, person.also) == (*NAMED[0], ["two@example.org"])


def test_people_who_share_a_row_are_several():
    text = "Name,Email\nAna & Luis Gil,ana@example.org; luis@example.org\n"
    assert named(text) == [("Ana Gil", "ana@example.org"), ("Luis Gil", "luis@example.org")]


def test_titles_stand_below_a_heading_and_are_repeated():
    text = f"Our guests,,\n,,\nFirst,Last,Email\nRosa,Quintero,{ROSA}\nFirst,Last,Email\nEmil,Strand,{EMIL}\nTotal,2,\n"
    assert named(text) == NAMED[:2]
    assert fates(text) == [Fate.ABOVE, Fate.TITLES, Fate.PEOPLE, Fate.TITLES, Fate.PEOPLE, Fate.NO_ADDRESS]


def test_titles_are_found_above_many_guests_without_an_address():
    rows = "".join(f"Guest {n},No,\n" for n in range(30))
    text = f"Exported on Monday\n\nFirst Name,Last Name,Email Address\n{rows}Rosa,Quintero,{ROSA}\n"
    assert named(text) == NAMED[:1]
    assert fates(text).count(Fate.NO_ADDRESS) == 30


def test_who_said_no_is_marked():
    text = f"Name,Email,RSVP\nRosa,{ROSA},Yes\nEmil,{EMIL},Declined\n"
    assert [row.is_declined for row in read(text).rows] == [False, False, True]


def test_the_exports_of_other_sites_for_guests_are_read():
    mailchimp = (
        "Email Address,First Name,Last Name,Address,Phone Number,MEMBER_RATING,OPTIN_TIME,LATITUDE,LEID,TAGS\n"
        f'{ROSA},Rosa,Quintero,"Calle Mayor 1, Madrid",+34 600 000 000,2,2024-03-01 10:00:00,40.4,521,"""Friends"""\n'
    )
    assert people(mailchimp) == [("Rosa Quintero", ROSA, None)]
    evite = (
        f"Guest Name,Email,RSVP,Adults,Kids,Comment\nRosa Quintero,{ROSA},Yes,2,1,\nEmil Strand,{EMIL},No,0,0,Sorry\n"
    )
    assert people(evite)[0] == ("Rosa Quintero", ROSA, 3)
    assert [row.is_declined for row in read(evite).rows] == [False, False, True]
    partiful = (
        f"Name,Status,RSVP date,Is Plus One Of,Email\nRosa Quintero,Going,2026-11-02,,{ROSA}\n"
        f"Tom,Going,2026-11-02,Rosa Quintero,\nEmil Strand,Can't Go,2026-11-02,,{EMIL}\n"
    )
    assert named(partiful) == NAMED[:2]
    assert fates(partiful)[2] is Fate.NO_ADDRESS
    assert read(partiful).rows[3].is_declined
    the_knot = (
        "Party Name,Title,First Name,Last Name,Suffix,Email,Street Address 1,Plus One,Meal Choice\n"
        f"Quintero Family,Ms.,Rosa,Quintero,,{ROSA},1 Main St,Yes,Fish\nStrand,,Emil,Strand,Jr.,{EMIL},,No,\n"
    )
    assert people(the_knot) == [("Rosa Quintero", ROSA, 2), ("Emil Strand", EMIL, 1)]
    assert read(the_knot).columns[0].role is Role.IGNORE
    assert named(f"Party Name,Email\nRosa Quintero,{ROSA}\n") == NAMED[:1]


def test_a_column_can_be_taken_for_something_else():
    text = f"Who,Mail,Wave\nRosa Quintero,{ROSA},2\n"
    assert people(text) == [(*NAMED[0], None)]
    chosen = read(text, roles={2: Role.SEATS, 0: Role.IGNORE})
    assert [(person.name, person.seats) for person in chosen.people] == [("", 2)]


# -- lines


@pytest.mark.parametrize(
    "text",
    [
        f"Rosa Quintero <{ROSA}>, Emil Strand <{EMIL}>, Huda Salem <{HUDA}>",
        f"Rosa Quintero <{ROSA}>; Emil Strand <{EMIL}>;\nHuda Salem <{HUDA}>",
        f"To: \"Quintero, Rosa\" <{ROSA}>, 'Emil Strand' <{EMIL}>\nCc: Huda Salem <mailto:{HUDA}>",
        f"Rosa Quintero {ROSA}\nEmil Strand\t{EMIL}\nHuda Salem: {HUDA}",
        f"{ROSA} (Rosa Quintero)\n{EMIL} - Emil Strand\nFrom: Huda Salem <mailto:{HUDA}?subject=a=b>",
        f"1. Rosa Quintero ({ROSA})\n2) Emil Strand – {EMIL}\n• Huda Salem {HUDA}.",
        f"- [ ] Rosa Quintero {ROSA}\n- [x] Emil Strand {EMIL}\n* Huda Salem {HUDA}",
        f"Rosa Quintero {ROSA}、Emil Strand {EMIL}；Huda Salem {HUDA}。",
        f"Rosa Quintero {ROSA}، Emil Strand {EMIL}؛ Huda Salem {HUDA}؟",
        f"Rosa,Quintero,{ROSA}\nEmil,Strand,{EMIL}\nHuda,Salem,{HUDA}",
        f"{ROSA};Rosa Quintero\n{EMIL};Emil Strand\n{HUDA};Huda Salem",
        f"| Name | E-mail |\n|------|-----:|\n| Rosa Quintero | {ROSA} |\n| Emil Strand | {EMIL} |\n| Huda Salem | {HUDA} |",
        f"Quintero, Rosa;{ROSA}\nStrand, Emil;{EMIL}\nSalem, Huda;{HUDA}",
        f"[27/11/26, 10:01:22] Rosa Quintero: {ROSA}\n27.11.26, 10:02 - Emil Strand: {EMIL}\nHuda Salem {HUDA}",
    ],
)
def test_the_same_people_are_read_from_what_is_pasted(text):
    assert named(text) == NAMED


def test_a_count_behind_a_name_is_seats():
    text = f"Rosa Quintero – {ROSA} (2)\nEmil Strand {EMIL}\nHuda Salem ({HUDA}) x3\nTim +1 tim@example.com"
    assert people(text) == [SEATED[0], (*NAMED[1], None), SEATED[2], ("Tim", "tim@example.com", 2)]


def test_addresses_alone_have_no_name_and_invisible_marks_are_no_part_of_them():
    assert named(f"\u200e{ROSA}\u200f,\u202a{EMIL}\u202c\n'{HUDA}'") == [("", ROSA), ("", EMIL), ("", HUDA)]


def test_a_sentence_is_no_name():
    assert named(f"could you please also invite my cousin, her address is {ROSA}") == [("", ROSA)]


def test_what_is_no_address_is_told():
    (row,) = read("Rosa\tnot@here\n").rows
    assert (row.fate, row.unread, row.people) == (Fate.INVALID, ["not@here"], [])
    rows = read(f"Name,Email,Twitter,Other\nRosa,{ROSA},@rosa,boss@example.org\n").rows
    assert rows[1].unread == ["@rosa", "boss@example.org"]


def test_a_quote_without_its_second_one_loses_nobody_below():
    assert named(f'Name,Email\n"Rosa,{ROSA}\nEmil Strand,{EMIL}\n')[-1] == NAMED[1]


def test_line_breaks_in_cells_belong_to_the_row():
    text = f'Nom,Remarques,Courriel\nRosa Quintero,"sans noix\n""vraiment"";\nmerci",{ROSA}\nEmil Strand,,{EMIL}\n'
    assert named(text) == NAMED[:2]
    assert [row.number for row in read(text).rows] == [1, 2, 5]


def test_the_apostrophe_of_a_formula_guard_is_no_part_of_a_name():
    assert named(f"Name,E-mail address\n'=Rosa,{ROSA}\n'-Emil,'+emil@example.com\n") == [
        ("=Rosa", ROSA),
        ("-Emil", "+emil@example.com"),
    ]


# -- encodings


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        ("Nombre;Correo\nBegoña Ibáñez;%s\nÍñigo Güell;%s\n", "cp1252 mac_roman cp850 utf-16 utf-16-le utf-8-sig"),
        ("Jörg Weiß <%s>, Zoë Lefèvre <%s>", "cp1252 mac_roman cp850 iso8859_15 utf-16-be"),
        ("Imię;E-mail\nŁucja Śliwińska;%s\nGrażyna Błaszczyk;%s\n", "cp1250 iso8859_2 cp852"),
        ("Jiří Dvořák <%s>\nŠárka Čermáková <%s>", "cp1250 iso8859_2 cp852"),
        ("Név;E-mail\nSzabó Győző;%s\nKovács Ödön;%s", "cp1250"),
        ("Анна Соколова <%s>\nПётр Щербаков <%s>", "cp1251 koi8_r cp866 mac_cyrillic"),
        ("Γιώργος Παπαδόπουλος <%s>\nΕλένη Νικολάου <%s>", "cp1253"),
        ("İsim;E-posta\nAyşe Yılmaz;%s\nİbrahim Güneş;%s", "cp1254"),
        ("נועה כהן <%s>\nאיתי לוי <%s>", "cp1255"),
        ("هدى سالم <%s>\nنور الخطيب <%s>", "cp1256"),
        ("氏名,メール\n山田 花子,%s\n髙橋 健太,%s\n", "cp932"),
        ("山田花子 <%s>\n佐藤さくら <%s>", "cp932 euc_jp"),
        ("姓名,邮箱\n王伟,%s\n李娜,%s\n", "gb18030"),
        ("姓名,電子郵件\n陳怡君,%s\n林志豪,%s\n", "big5"),
        ("김민수 <%s>\n이영희 <%s>", "cp949"),
    ],
)
def test_the_encoding_of_a_short_list_is_guessed(text, encodings):
    shown = text % (ROSA, EMIL)
    for encoding in encodings.split():
        assert named(shown.encode(encoding)) == named(shown), encoding


def test_a_wrong_guess_can_be_changed():
    data = f"Đorđe;{ROSA}\n".encode("cp1250")
    wrong = read(data, encoding="cp1252")
    assert wrong.people[0].name != "Đorđe"
    right = read(wrong.carried, was="cp1252", encoding="cp1250")
    assert (right.people[0].name, right.encoding) == ("Đorđe", "cp1250")


# -- vCard, LDIF


def vcard(*lines, version="3.0"):
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


@pytest.mark.parametrize(
    "card",
    [
        vcard("N:Weiß;Jörg;;;", "FN:Jörg Weiß", "item1.EMAIL;type=INTERNET;type=pref:%s", "item1.X-ABLabel:Home"),
        vcard("n:Weiß;Jörg", "email;type=work:two@example.org", "EMAIL;TYPE=home,pref:%s")
        .lower()
        .replace("weiß;jörg", "Weiß;Jörg"),
        vcard("FN:Jörg\r\n  Weiß", "EMAIL;TYPE=WORK;PREF=2:two@example.org", 'EMAIL;TYPE="home,internet";PREF=1:%s'),
        vcard("N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Wei=C3=9F;J=C3=\r\n=B6rg", "EMAIL;HOME:%s", version="2.1"),
        vcard("N;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Wei=DF;J=F6rg", "EMAIL;INTERNET:%s", version="2.1"),
        vcard("FN:Weiß\\, Jörg", "PHOTO;ENCODING=b:AAEC\r\n AwQF", "EMAIL:%s", "NOTE:a\\nb", version="4.0"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_vcards_of_all_versions_are_read(card, encoding):
    data = (card % ROSA).encode(encoding)
    reading = read(data)
    assert [(person.name, person.email) for person in reading.people] == [("Jörg Weiß", ROSA)]
    # What the pages carry on is the same without pictures.
    assert named(reading.carried) == [("Jörg Weiß", ROSA)]
    assert "AAEC" not in reading.carried


def test_cards_without_an_address_and_groups_are_told():
    data = vcard("FN:Taxi", "TEL:0") + vcard("KIND:group", "FN:Friends", "MEMBER:mailto:eva@example.org", version="4.0")
    rows = read(data + vcard("FN:Rosa", f"EMAIL:{ROSA}")).rows
    assert [row.fate for row in rows] == [Fate.NO_ADDRESS, Fate.INVALID, Fate.PEOPLE]
    assert rows[1].unread == ["eva@example.org"]


def test_ldif_is_read():
    text = (
        f"version: 1\n\ndn: cn=Rosa,mail={ROSA}\nobjectclass: person\ngivenName: Rosa\nsn:: UXVpbnRlcm8=\nmail: {ROSA}\n"
        f"mozillaSecondEmail: two@example.org\ndescription: a long\n  line\n\ndn: cn=Friends\nobjectclass: groupOfNames\n"
        f"cn: Friends\nmember: cn=Rosa,mail={ROSA}\n"
    )
    reading = read(text.encode())
    assert [(p.name, p.email, p.also) for p in reading.people] == [("Rosa Quintero", ROSA, ["two@example.org"])]
    assert [row.fate for row in reading.rows] == [Fate.PEOPLE, Fate.NO_ADDRESS]


# -- workbooks


def archive(**parts):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in parts.items():
            packed.writestr(name.replace("__", "/").replace("_DOT_", "."), text)
    return written.getvalue()


def xlsx(*sheets, strings="<sst/>", links=""):
    names = "".join(f'<sheet name="Sheet {n}" sheetId="{n}" r:id="r{n}"/>' for n in range(1, len(sheets) + 1))
    targets = "".join(f'<Relationship Id="r{n}" Target="worksheets/s{n}.xml"/>' for n in range(1, len(sheets) + 1))
    parts = {f"xl__worksheets__s{n}.xml": f"<worksheet>{sheet}</worksheet>" for n, sheet in enumerate(sheets, 1)}
    return archive(
        **{
            "xl__workbook.xml": f'<workbook xmlns:r="r"><sheets>{names}</sheets></workbook>',
            "xl___rels__workbook.xml.rels": f"<Relationships>{targets}</Relationships>",
            "xl__worksheets___rels__s1.xml.rels": f"<Relationships>{links}</Relationships>",
            "xl__sharedStrings.xml": strings,
            **parts,
        }
    )


def cells(*rows: Sequence[str], hidden=()):
    written = []
    for at, row in enumerate(rows, 1):
        inside = "".join(
            f"<c><v>{cell}</v></c>" if cell.isdecimal() else f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
            for cell in row
        )
        written.append(f'<row r="{at}"{" hidden=" + chr(34) + "1" + chr(34) if at in hidden else ""}>{inside}</row>')
    return f"<sheetData>{''.join(written)}</sheetData>"


TITLES = ("Name", "E-mail", "Seats")
ROWS = [(name, email, str(seats)) for name, email, seats in SEATED]


def test_the_sheet_with_the_people_is_read_and_another_can_be_chosen():
    data = xlsx(cells(["Budget"], ["12"]), cells(["Caterer", "cook@example.org"]), cells(TITLES, *ROWS))
    reading = read(data)
    assert [(sheet.name, sheet.addresses) for sheet in reading.sheets] == [("Sheet 2", 1), ("Sheet 3", 3)]
    assert people(data) == SEATED
    assert named(reading.carried) == NAMED
    assert [person.email for person in read(reading.carried, sheet=0).people] == ["cook@example.org"]


def test_hidden_rows_are_told_and_hidden_columns_are_not_taken():
    columns = '<cols><col min="2" max="2" hidden="1"/></cols>'
    data = xlsx(columns + cells(["Name", "Old e-mail", "E-mail"], ["Rosa", "old@example.org", ROSA], hidden=[2]))
    reading = read(data)
    assert [(person.email, person.also) for person in reading.people] == [(ROSA, [])]
    assert (reading.rows[1].is_hidden, reading.rows[1].unread) == (True, ["old@example.org"])


def test_the_address_of_a_link_is_read_and_errors_are_no_numbers():
    linked = '<Relationship Id="h1" TargetMode="External" Target="mailto:rosa@example.org?subject=x"/>'
    table = (
        '<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row><row r="3"><c r="A3" t="s">'
        '<v>2</v></c><c r="C3" t="e"><v>#DIV/0!</v></c></row></sheetData><hyperlinks><hyperlink ref="A3" r:id="h1" '
        'xmlns:r="r"/></hyperlinks>'
    )
    strings = "<sst><si><t>Guest</t></si><si><t>Seats</t></si><si><r><t>Rosa </t></r><r><t>Quintero</t></r><rPh><t>x</t></rPh></si></sst>"
    assert people(xlsx(table, strings=strings, links=linked)) == [(*NAMED[0], None)]


ODS = """<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="t" xmlns:text="x"
 xmlns:xlink="l"><office:body><office:spreadsheet><table:table table:name="Guests"><table:table-column
 table:number-columns-repeated="16384"/>{}<table:table-row table:number-rows-repeated="1048570"><table:table-cell
 table:number-columns-repeated="16384"/></table:table-row></table:table></office:spreadsheet></office:body></office:document>"""


def ods():
    rows = [
        "".join(
            f"<table:table-cell><office:annotation><text:p>note</text:p></office:annotation><text:p>{cell}</text:p></table:table-cell>"
            for cell in row
        )
        for row in (TITLES, *ROWS)
    ]
    return ODS.format("".join(f"<table:table-row>{row}</table:table-row>" for row in rows))


EXCEL_XML = """<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="G"><Table>{}</Table></Worksheet></Workbook>"""


def excel_xml():
    rows = [
        "".join(
            f'<Cell><Data ss:Type="{"Number" if cell.isdecimal() else "String"}">{cell}</Data></Cell>' for cell in row
        )
        for row in (TITLES, *ROWS)
    ]
    return EXCEL_XML.format("".join(f"<Row>{row}</Row>" for row in rows))


def html():
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in (TITLES, *ROWS))
    return f"<html><head><style>td {{}}</style></head><body><p>Our list</p><table>{rows}</table></body></html>"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Kind.XLSX, xlsx(cells(TITLES, *ROWS))),
        (Kind.ODS, archive(mimetype="x", **{"content.xml": ods()})),
        (Kind.ODS, ods().encode()),
        (Kind.EXCEL_XML, excel_xml().encode()),
        (Kind.HTML, html().encode()),
        (Kind.HTML, html().replace("</td>", "").replace("</tr>", "").encode("cp1252")),
    ],
)
def test_the_same_people_are_read_from_all_kinds_of_spreadsheets(kind, data):
    reading = read(data)
    assert (reading.kind, people(data)) == (kind, SEATED)
    assert people(reading.carried) == SEATED


def biff(*rows):
    """Return a workbook of Excel 2.1: a stream of records, and the simplest that xlrd reads."""

    def record(code, body):
        return code.to_bytes(2, "little") + len(body).to_bytes(2, "little") + body

    written = [record(0x0009, bytes([2, 0, 0x10, 0]))]
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            head = y.to_bytes(2, "little") + x.to_bytes(2, "little") + b"\0\0\0"
            if cell.isdecimal():
                written.append(record(0x0002, head + int(cell).to_bytes(2, "little")))
            else:
                written.append(record(0x0004, head + bytes([len(cell)]) + cell.encode("cp1252")))
    return b"".join([*written, record(0x000A, b"")])


def test_old_workbooks_are_read_and_errors_are_no_numbers():
    from app.parties.invitations.lists import xls

    sheets = xls.read(biff(TITLES, *ROWS))
    assert [row.cells for row in sheets[0].rows] == [list(TITLES), *map(list, ROWS)]
    assert xls.cell_text(xlrd.sheet.Cell(xlrd.XL_CELL_ERROR, 42)) == ""
    assert xls.cell_text(xlrd.sheet.Cell(xlrd.XL_CELL_NUMBER, 2.0)) == "2"


def in_xlsx(cell):
    return xlsx(cells([cell]))


def in_html(cell):
    return f"<table><tr><td>{cell}</td></tr></table>".encode()


def in_ods(cell):
    return ODS.format(
        f"<table:table-row><table:table-cell><text:p>{cell}</text:p></table:table-cell></table:table-row>"
    ).encode()


@pytest.mark.parametrize("write", [in_xlsx, in_html, in_ods])
def test_nobody_in_a_long_cell_is_cut_off(write):
    emails = [f"guest{n}@example.org" for n in range(300)]
    assert [person.email for person in read(write(", ".join(emails))).people] == emails


def test_the_last_of_many_sheets_is_read():
    assert named(xlsx(*[cells(["nobody"])] * 40, cells([ROSA]))) == [("", ROSA)]


def test_pictures_in_an_address_book_are_no_part_of_the_list():
    picture = "".join("QUFB" * 19 + "\n " for _line in range(9000))
    entries = [f"dn: cn={name}\ncn: {name}\nmail: {email}\njpegPhoto:: {picture}\n\n" for name, email in NAMED[:2]]
    reading = read("".join(entries).encode())
    assert [(person.name, person.email) for person in reading.people] == NAMED[:2]
    assert [row.number for row in reading.rows] == [1, 9006]
    assert len(reading.carried) < 100_000


# -- what is refused


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Refusal.EMPTY),
        (b"\n ;; \n", Refusal.EMPTY),
        (b"\xff\xfe", Refusal.EMPTY),
        (b"%PDF-1.7\n", Refusal.PDF),
        (b"\x89PNG\r\n\x1a\n\0", Refusal.PICTURE),
        (b"{\\rtf1 a@example.org}", Refusal.DOCUMENT),
        (archive(word__document_DOT_xml="<w/>"), Refusal.DOCUMENT),
        (archive(Index__Document_DOT_iwa="x"), Refusal.NUMBERS),
        (archive(readme="x"), Refusal.UNKNOWN),
        (b"PK\x03\x04 and no more", Refusal.DAMAGED),
        (xlsx("<sheetData><row>"), Refusal.DAMAGED),
        (bytes(range(256)) * 8, Refusal.UNKNOWN),
        (xlsx("<!-- -->" + cells(*[[str(n)] for n in range(5001)])), Refusal.TOO_LONG),
        ("\n".join(f"guest{n}@example.org" for n in range(1001)).encode(), Refusal.TOO_LONG),
        (xlsx(cells([f"{'x@example.org, ' * 2400}"])), Refusal.TOO_LONG),
        (
            xlsx(cells(*[[", ".join(f"g{n}.{row}@example.org" for n in range(300))] for row in range(4)])),
            Refusal.TOO_LONG,
        ),
        (xlsx(cells([""] * 299 + [ROSA])), Refusal.TOO_WIDE),
        (
            ods()
            .replace("<table:table-cell>", '<table:table-cell table:number-columns-repeated="300"/><table:table-cell>')
            .encode(),
            Refusal.TOO_WIDE,
        ),
        (excel_xml().replace("<Cell>", '<Cell ss:Index="300">').encode(), Refusal.TOO_WIDE),
        (f"<table><tr>{'<td></td>' * 299}<td>{ROSA}</td></tr></table>".encode(), Refusal.TOO_WIDE),
        (b"a" * (4 * 1024 * 1024 + 1), Refusal.TOO_LARGE),
    ],
)
def test_what_is_no_list_is_refused(data, reason):
    with pytest.raises(RefusedError) as refused:
        read(data)
    assert refused.value.reason is reason


def test_entities_of_a_file_are_refused():
    data = archive(xl__workbook_DOT_xml='<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    with pytest.raises(RefusedError):
        read(data)


# -- the process


def test_a_list_is_read_in_another_process():
    choices = Choices(roles={2: Role.SEATS})
    text = f"Wer,E-Mail,X\nJörg Weiß,{ROSA},2\n"
    assert process.read(text, choices) == reader.read(text, choices)
    assert process.read(text.encode("cp1252")).people[0].name == "Jörg Weiß"
    with pytest.raises(RefusedError):
        process.read(b"%PDF-1.7")


def test_a_file_that_takes_too_long_costs_a_bounded_time():
    data = xlsx(cells(*[[f"g{n}@example.org"] * 200 for n in range(900)]))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(RefusedError) as refused:
        process.read(data, seconds=1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert refused.value.reason is Refusal.TOO_SLOW
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


# -- at random

NAMES = {
    "en": ("Rosa", "Emil", "Mary Ann", "O'Brien", "van Dyke", "Smith-Jones"),
    "es": ("Begoña", "Íñigo", "Lucía", "Ibáñez", "Núñez", "Güell"),
    "fr": ("Zoë", "François", "Maïté", "Lefèvre", "Noël", "Durand"),
    "de": ("Jörg", "Käthe", "Björn", "Weiß", "Müller", "Größl"),
    "pl": ("Łucja", "Grażyna", "Żaneta", "Śliwińska", "Wójcik", "Błaszczyk"),
    "ru": ("Анна", "Пётр", "Юлия", "Соколова", "Щербаков", "Жданова"),
    "ar": ("هدى", "نور", "عبد الرحمن", "سالم", "الخطيب", "بن يوسف"),
    "he": ("נועה", "איתי", "שירה", "כהן", "לוי", "בן-דוד"),
}
LANGUAGES = {
    "en": (("First name", "Last name", "Email", "Seats", "Notes"), ("cp1252", "mac_roman")),
    "es": (("Nombre", "Apellidos", "Correo electrónico", "Plazas", "Notas"), ("cp1252", "mac_roman")),
    "fr": (("Prénom", "Nom", "Courriel", "Nombre de personnes", "Remarques"), ("cp1252", "iso8859_15")),
    "de": (("Vorname", "Nachname", "E-Mail", "Personen", "Bemerkung"), ("cp1252", "cp850")),
    "pl": (("Imię", "Nazwisko", "E-mail", "Liczba osób", "Uwagi"), ("cp1250", "iso8859_2")),
    "ru": (("Имя", "Фамилия", "Эл. почта", "Гостей", "Примечания"), ("cp1251", "koi8_r")),
    "ar": (("الاسم الأول", "اسم العائلة", "البريد الإلكتروني", "عدد الأشخاص", "ملاحظات"), ("cp1256",)),
    "he": (("שם פרטי", "שם משפחה", "אימייל", "כמות", "הערות"), ("cp1255",)),
}
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le")
ADDRESSES = st.from_regex(r"[a-z]{1,8}([._+-][a-z0-9]{1,4})?@[a-z]{1,8}\.example\.(org|com)", fullmatch=True)
NOTES = st.sampled_from(["", "no nuts", "no nuts, no fish", 'says "hello"', "one\ntwo", "a; b", "12", "see x@"])


@st.composite
def lists(draw):
    """Return a file, the people in it, and whether its encoding tells itself."""
    language = draw(st.sampled_from(list(LANGUAGES)))
    titles, encodings = LANGUAGES[language]
    emails = draw(st.lists(ADDRESSES, min_size=1, max_size=6, unique_by=str.lower))
    word = st.sampled_from(NAMES[language])
    guests = [(draw(word), draw(word), email, draw(st.integers(1, 9)), draw(NOTES)) for email in emails]
    encoding = draw(st.sampled_from((*UNICODE, *encodings)))
    form = draw(st.sampled_from(("table", "lines")))
    ending = draw(st.sampled_from(("\n", "\r\n", "\r")))
    if form == "lines":
        pattern = draw(st.sampled_from(("{} <{}>", '"{}" <{}>', "{} {}", "{}\t{}", "- {}: {}")))
        between = draw(st.sampled_from((ending, ending * 2, f",{ending}", f";{ending}")))
        text = between.join(pattern.format(f"{given} {family}", email) for given, family, email, *_rest in guests)
        expected = [(f"{given} {family}", email, None) for given, family, email, *_rest in guests]
    else:
        order = draw(st.permutations(range(5)))
        separator = draw(st.sampled_from((",", ";", "\t", "|")))
        quote_all = draw(st.booleans())
        text = ending.join(
            separator.join(quoted(str(row[at]).replace("\n", ending), separator, always=quote_all) for at in order)
            for row in (titles, *guests)
        )
        expected = [(f"{given} {family}", email, seats) for given, family, email, seats, _note in guests]
    return text.encode(encoding), expected, encoding


def quoted(cell, separator, *, always):
    needs = always or any(c in cell for c in (separator, '"', "\n", "\r"))
    return '"' + cell.replace('"', '""') + '"' if needs else cell


@settings(max_examples=10_000 if THOROUGH else 60, deadline=None)
@given(lists())
def test_no_random_list_loses_anybody(case):
    data, expected, encoding = case
    reading = read(data)
    assert [person.email for person in reading.people] == [email for _name, email, _seats in expected]
    found = [(person.name, person.email, person.seats) for person in reading.people]
    if encoding in UNICODE or reading.encoding == encoding:
        assert found == expected
    # The preview's rows are those of the file.
    assert sum(row.fate is Fate.PEOPLE for row in reading.rows) == len(expected)


@settings(max_examples=2_000 if THOROUGH else 60, deadline=None)
@given(st.text(st.sampled_from(" \t\n\",;|<>@@@aAbé.1:=-+()'م山"), max_size=120) | st.text(max_size=60))
def test_each_at_sign_of_any_text_is_accounted_for(text):
    try:
        rows = read(text).rows
    except RefusedError:
        return
    shown = sum(len(row.unread) + len(row.people) + sum(len(person.also) for person in row.people) for row in rows)
    assert bool(shown) == ("@" in text.replace("＠", "@"))


def test_a_row_that_lost_somebody_would_be_noticed():
    sheet = reader.kinds.read(f"Name,Email\nRosa,{ROSA}\n").sheets[0]
    rows = people_of_rows.read(sheet, reader.columns.find(sheet))
    rows[1].people.clear()
    with pytest.raises(AssertionError):
        people_of_rows.check(rows, sheet)
