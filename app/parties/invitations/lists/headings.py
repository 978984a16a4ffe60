"""The titles of columns, in the languages that people's programs write: data only.

TITLES are whole titles. CONTAINED are words that tell a longer title, tried in this order; FOREIGN are words that tell
that a column is about something else, whatever other words it has.
"""

from .tables import Role


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(entry.split()) for entry in text.split(";"))


TITLES: dict[Role, tuple[str, ...]] = {
    Role.EMAIL: _listed(
        """
        email; e-mail; mail; email address; e-mail address; primary email; secondary email; emails; e-mail 1 -
        value; e-mail 2 - value; e-mail 3 - value; e-mail 4 - value; additional email; correo; correo electrónico;
        dirección de correo electrónico; correos; email 1; email 2; courriel; adresse e-mail; adresse électronique;
        adresse de messagerie; mél; messagerie; e-mail-adresse; mailadresse; posta elettronica; indirizzo e-mail;
        endereço de e-mail; e-mailadres; adres e-mail; poczta; e-postadress; e-post; epost; mejl; sähköposti;
        mejladress; почта; электронная почта; адрес электронной почты; эл. почта; пошта; електронна пошта; имейл;
        البريد الإلكتروني; البريد; بريد; بريد إلكتروني; الإيميل; ايميل; דוא"ל; דואר אלקטרוני; דואל; אימייל; מייל;
        メール; メールアドレス; 電子メール; eメール; メアド; 邮箱; 电子邮件; 电子邮箱; 邮件; 郵箱; 電子郵件; 電郵; 信箱; 이메일; 메일; 전자우편; e-posta; eposta;
        ηλεκτρονικό ταχυδρομείο; e-mail cím; elektronická pošta; e-poštni naslov; e-pošta; adresă de e-mail; ایمیل;
        อีเมล; email cím; première adresse électronique; adresse
        électronique secondaire; indirizzo posta elettronica; indirizzo posta elettronica 2; indirizzo posta
        elettronica 3; adres e-mail 2; adres e-mail 3
        """
    ),
    Role.GIVEN: _listed(
        """
        first name; firstname; first; given name; givenname; forename; given; guest first name; nombre de pila;
        nombres; prénom; prénoms; prenom; vorname; vornamen; rufname; primeiro nome; voornaam; voornamen; imię;
        imiona; förnamn; fornavn; etunimi; jméno; křestní jméno; krstné meno; имя; ім'я; ім’я; име; الاسم الأول;
        الإسم الأول; שם פרטי; 名; 名前 名; 名（名）; 名字; 이름 이름; ad; adı; isim; όνομα; keresztnév; utónév; ime; prenume; nome
        próprio; nome de batismo; nombre del asistente
        """
    ),
    Role.FAMILY: _listed(
        """
        last name; lastname; last; family name; familyname; surname; guest last name; sn; apellido; apellidos;
        primer apellido; nom de famille; nachname; familienname; zuname; cognome; sobrenome; apelido; último nome;
        achternaam; familienaam; nazwisko; efternamn; efternavn; etternavn; sukunimi; příjmení; priezvisko; фамилия;
        прізвище; фамилно име; العائلة; اسم العائلة; الاسم الأخير; اللقب; الكنية; الشهرة; שם משפחה; משפחה; 姓; 氏; 苗字;
        名字 姓; 성; soyad; soyadı; soyisim; επώνυμο; vezetéknév; családnév; priimek; prezime; nume de familie; apellidos del
        asistente
        """
    ),
    Role.NAME: _listed(
        """
        name; full name; fullname; guest; guests; guest name; display name; invitee; names; person; attendee;
        attendee name; contact; contact name; who; people; file as; party; party name; household; household name;
        invitation name; addressee;
        envelope name; participant; buyer name; cn; your name; nombre; nombre completo; nombre y apellidos; nombre y
        apellido; invitado; invitada; invitados; invitada/o; quién; nom; nom complet; nom et prénom; prénom et nom;
        nom prénom; invité; invités; convive; convives; qui; gast; gäste; gastname; wer; vollständiger name; vor-
        und nachname; name, vorname; vorname nachname; anzeigename; teilnehmer; nome; nome completo; nome e cognome;
        nominativo; invitato; invitati; ospite; ospiti; convidado; convidados; nome e sobrenome; naam; volledige
        naam; gasten; genodigde; imię i nazwisko; gość; goście; nazwa; namn; fullständigt namn; gäst; gäster; navn;
        fulde navn; gæst; gæster; nimi; vieras; jméno a příjmení; host; hosté; meno a priezvisko; фио; ф. и. о.;
        гость; гости; имя и фамилия; имя фамилия; піб; гість; гості; ім'я та прізвище; الاسم; الإسم; اسم; الاسم
        الكامل; الضيف; اسم الضيف; المدعو; שם; שם מלא; אורח; אורחים; שם האורח; 氏名; お名前; 名前; ご氏名; 姓名; 名称; 来宾; 客人; 嘉宾;
        賓客; 이름; 성명; 손님; ad soyad; adı soyadı; davetli; misafir; ονοματεπώνυμο; név; teljes név; vendég; nume
        complet; nume; ime i prezime; gost; نام; ชื่อ; meno; jmeno; nome do convidado; what is your name; cómo te llamas;
        cómo se llama; tu nombre; comment t'appelles-tu; comment vous appelez-vous; ton nom; votre nom; wie heißt du;
        wie heißen sie; dein name; ihr name; come ti chiami; il tuo nome; como você se chama; qual é o seu nome; seu
        nome; hoe heet je; je naam; uw naam; jak się nazywasz; vad heter du; ditt namn; hvad hedder du; dit navn; как
        вас зовут; как тебя зовут; ваше имя; ما اسمك; اسمك; מה שמך; השם שלך; 你的名字; adınız; adınız soyadınız
        """
    ),
    Role.SEATS: _listed(
        """
        seats; seat count; number of seats; party size; number of guests; number of people; headcount; head count;
        how many; how many people; how many guests; qty; quantity; tickets; pax; covers; no. of guests; # of guests;
        # guests; guest count; total guests; max guests; group size; people; persons; attendees; guests; number
        attending; ticket quantity; total attending; party of; maximum party size; number invited; number in party;
        invited count; maximum number of seats; tickets purchased; number of tickets; size; count; total; heads;
        places; plazas; personas; número de personas; nº de personas; n.º de personas; cuántos; asistentes;
        asientos; número de invitados; cantidad; cantidad de personas; comensales; lugares; cubiertos; invitados; nº
        personas; num. personas; entradas; nombre; nombre de personnes; nb; nb de personnes; nb personnes; nbre;
        nombre d'invités; combien; nombre de places; personnes; couverts; effectif; quantité; convives; invités;
        anzahl; personen; anzahl personen; personenzahl; anzahl gäste; plätze; wie viele; menge; gäste; anzahl
        plätze; zahl; posti; persone; numero di persone; numero persone; quanti; quantità; coperti; numero ospiti;
        pessoas; número de pessoas; quantidade; qtd; nº de pessoas; quantos; vagas; aantal; aantal personen; aantal
        gasten; plaatsen; hoeveel; osób; liczba osób; liczba; ilość; osoby; miejsca; liczba miejsc; liczba gości;
        ile osób; antal; antal personer; antal gäster; platser; antal gæster; pladser; antall; antall personer;
        personer; henkilöä; määrä; henkilömäärä; počet; počet osob; počet hostů; osob; počet osôb; мест; количество;
        количество мест; гостей; человек; сколько; количество человек; количество гостей; кол-во; кол-во гостей;
        кол-во человек; кол-во мест; число гостей; персон; места; местa; місць; кількість; кількість місць;
        кількість осіб; осіб; людей; брой; عدد; العدد; عدد الأشخاص; عدد الضيوف; عدد المقاعد; المقاعد; مقاعد; كم;
        الأشخاص; מספר; כמות; מספר אנשים; מספר אורחים; מספר מוזמנים; מקומות; כמה; מוזמנים; סועדים; 人数; 名数; 席数; 参加人数;
        ご人数; 数量; 座位; 人數; 席位; 几人; 인원; 인원수; 명수; 좌석; kişi; kişi sayısı; kaç kişi; sayı; adet; davetli sayısı; άτομα;
        θέσεις; fő; létszám; hány fő; locuri; persoane; număr de persoane; broj; broj osoba; تعداد; จำนวน; tamaño
        máximo del grupo; número máximo de plazas; أقصى عدد للمقاعد; أقصى عدد للأشخاص
        """
    ),
    Role.PLUS_ONES: _listed(
        """
        plus one; plus ones; plus-one; plus-ones; +1; +1s; + 1; companions; additional guests; extra guests; number
        of plus ones; plus ones allowed; guests allowed; allowed plus ones; bringing guests; number of companions;
        additional people; extras; accompanying; plus 1; other guests; plus guests; acompañantes; acompañante; más
        uno; nº de acompañantes; número de acompañantes; invitados extra; accompagnants; accompagnant;
        accompagnateurs; personnes supplémentaires; nb accompagnants; plus un; begleitung; begleitpersonen;
        begleiter; weitere gäste; weitere personen; zusätzliche gäste; accompagnatori; accompagnatore; ospiti
        aggiuntivi; acompanhantes; acompanhante; introducés; introducé; begeleiders; extra gasten; osoby
        towarzyszące; osoba towarzysząca; towarzyszące; sällskap; medföljande; ledsager; ledsagere; følge; doprovod;
        спутники; спутник; сопровождающие; сопровождающих; супутники; المرافقون; مرافقون; المرافقين; مرافقين; عدد
        المرافقين; מלווים; נלווים; 同伴者; 同伴者数; 同行者; 同伴; 同行人数; 携伴; 随行人数; 동반자; 동반인; refakatçi; refakatçiler; eşlik
        eden; kísérők
        """
    ),
    Role.ADULTS: _listed(
        """
        adults; adult; number of adults; adultos; nº de adultos; adultes; erwachsene; adulti; volwassenen; dorośli;
        dorosłych; vuxna; voksne; dospělí; взрослые; взрослых; дорослі; дорослих; بالغون; البالغون; الكبار; מבוגרים;
        大人; 成人; 成人数; 성인; 어른; yetişkin; yetişkinler
        """
    ),
    Role.CHILDREN: _listed(
        """
        children; kids; child; number of children; number of kids; niños; niñas; niños/as; menores; enfants; kinder;
        anzahl kinder; bambini; figli; crianças; kinderen; dzieci; barn; børn; děti; deti; дети; детей; діти; дітей;
        الأطفال; أطفال; عدد الأطفال; ילדים; 子供; 子ども; お子様; 儿童; 孩子; 小孩; 兒童; 어린이; 아이; çocuk; çocuklar; çocuk sayısı;
        gyerekek
        """
    ),
    Role.LANGUAGE: _listed(
        """
        language; languages; preferred language; locale; lang; idioma; lengua; langue; sprache; lingua; língua;
        taal; język; språk; sprog; kieli; jazyk; язык; мова; اللغة; لغة; שפה; 言語; 语言; 語言; 언어; dil; γλώσσα; nyelv;
        limba; jezik
        """
    ),
    Role.DIET: _listed(
        """
        diet; dietary; dietary restrictions; dietary requirements; allergies; allergens; food allergies; dietary
        needs; food; meal; meal choice; meal preference; must not eat; dieta; alergias; alergia; restricciones
        alimentarias; menú; alérgenos; régime; régime alimentaire; allergie; repas; ernährung; allergien; diät;
        unverträglichkeiten; essen; allergie alimentari; intolleranze; restrições alimentares; dieet; dieetwensen;
        allergieën; dieta i alergie; alergie; kost; allergier; specialkost; matallergier; kosthensyn; strava; диета;
        аллергии; аллергия; дієта; алергії; الحمية; حمية; الحساسية; حساسية; النظام الغذائي; תזונה; אלרגיות; תפריט;
        アレルギー; 食事制限; 过敏; 饮食; 忌口; 飲食; 알레르기; 식단; diyet; alerji; alerjiler; hay que evitar; ما يجب تجنّبه
        """
    ),
    Role.TABLE: _listed(
        """
        table; table number; table no; table name; seat number; seating; mesa; nº de mesa; numéro de table; tisch;
        tischnummer; tisch-nr.; tisch nr; tavolo; tafel; tafelnummer; stolik; stół; nr stolika; bord; bordnummer;
        pöytä; stůl; stôl; стол; номер стола; стіл; столик; الطاولة; طاولة; رقم الطاولة; שולחן; מספר שולחן; テーブル;
        席番号; 桌号; 餐桌; 桌號; 테이블; masa; masa no
        """
    ),
    Role.NOTE: _listed(
        """
        note; notes; comment; comments; remarks; remark; message; notas; nota; comentarios; comentario;
        observaciones; remarques; remarque; commentaire; commentaires; notizen; notiz; bemerkung; bemerkungen;
        anmerkung; anmerkungen; kommentar; kommentare; note aggiuntive; commenti; observações; comentários;
        opmerking; opmerkingen; notities; uwagi; notatki; anteckningar; noter; poznámka; poznámky; заметки;
        примечание; примечания; комментарий; примітка; примітки; ملاحظات; ملاحظة; הערות; הערה; 備考; メモ; 备注; 備註; 비고;
        메모; not; notlar; açıklama
        """
    ),
    Role.STATUS: _listed(
        """
        status; rsvp; rsvp status; attendee status; answer; response; attending; attending?; reply; order status;
        ticket status; will attend; coming; coming?; going; respuesta; asistencia; estado; asiste; viene;
        confirmado; réponse; présence; présent; statut; antwort; zusage; kommt; teilnahme; risposta; conferma;
        presenza; stato; resposta; presença; confirmação; antwoord; aanwezig; komt; odpowiedź; obecność;
        potwierdzenie; svar; kommer; deltar; odpověď; účast; ответ; статус; придёт; придет; відповідь; الرد; الحضور;
        الإجابة; תשובה; סטטוס; אישור הגעה; מגיע; 出欠; 返信; 参加; 回复; 状态; 출석; 참석; katılım; cevap; yanıt; durum; geliyor
        """
    ),
    Role.IGNORE: _listed(
        """
        invited by; quién invita; organizer; organiser; assigned to; no; no.; nr; nr.; n°; nº; №; #; id; row;
        number; line; e-mail type; title; prefix; number of party; invitation sent; sent; gift; thank you sent; age;
        gender; initials; user 1; ticket type; group; side; relationship; category; categories; tags; labels; middle
        name; second prénom; segundo nombre; weitere vornamen; отчество; по батькові; additional name; midden naam;
        tussenvoegsel; 序号; 番号; 번호; رقم; الرقم; מס; מס'; sıra; sıra no; номер; lp; lp.; l.p.; фото; ふりがな; フリガナ; よみがな;
        カナ; 読み; yomi; 拼音; anrede; suffix; titre; trato
        """
    ),
}
# Stems, looked for in the words of a title; those of scripts without spaces anywhere in it.
CONTAINED: tuple[tuple[Role, tuple[str, ...]], ...] = (
    (
        Role.EMAIL,
        _listed(
            """
            email; mail; correo; courriel; messager; почт; пошт; بريد; ايميل; דואל; אימייל; メール; 邮; 郵; 이메일; eposta;
            epost
            """
        ),
    ),
    (
        Role.PLUS_ONES,
        _listed(
            """
            companion; acompan; accompagn; begleit; towarzysz; сопровожд; спутник; مرافق; מלוו; נלוו; 同伴; 同行;
            refakat; plusone; plus1
            """
        ),
    ),
    (
        Role.CHILDREN,
        _listed(
            """
            children; kids; ninos; enfant; kinder; bambin; crianca; dziec; дети; детей; اطفال; ילדים; 子供; 儿童; cocuk
            """
        ),
    ),
    (
        Role.ADULTS,
        _listed(
            """
            adults; adultos; adultes; erwachsen; взросл; בוגרים; 大人; 成人
            """
        ),
    ),
    (
        Role.DIET,
        _listed(
            """
            diet; dieta; allerg; alerg; alergen; ernahr; аллерг; диет; حساسي; אלרג; アレルギ; 过敏; 忌口; intoler; alerji
            """
        ),
    ),
    (
        Role.LANGUAGE,
        _listed(
            """
            language; idioma; langue; sprache; język; язык; لغة; שפה; 言語; 语言
            """
        ),
    ),
    (
        Role.TABLE,
        _listed(
            """
            table; mesa; tisch; tavolo; tafel; stolik; стол; طاول; שולחן; テーブル; 桌
            """
        ),
    ),
)
# Words for a count, where another word says of what: "how many people come", "Anzahl der Gäste".
COUNTING = _listed(
    """
    number; how; many; count; qty; quantity; total; max; maximum; numero; num; cuantos; cuantas; cantidad; nombre;
    nb; nbre; combien; anzahl; wieviele; viele; zahl; quanti; quante; quantos; quantidade; aantal; hoeveel; liczba;
    ile; ilosc; antal; antall; pocet; количество; число; сколько; кількість; скільки; عدد; כמה; מספר; kac; sayisi;
    numar; no; n
    """
)
COUNTED = _listed(
    """
    people; persons; guests; guest; seats; attendees; tickets; invitees; personas; invitados; comensales; plazas;
    asistentes; personnes; invites; convives; places; personen; gaste; platze; gasten; persone; ospiti; invitati;
    posti; pessoas; convidados; lugares; osob; gosci; miejsc; gaster; personer; gæster; hostu; мест; гостей;
    человек; людей; місць; осіб; اشخاص; ضيوف; مقاعد; אנשים; אורחים; מוזמנים; kisi; davetli; persoane; attending
    """
)
# These ask for a number by themselves.
ASKING = _listed(
    """
    cuantos; cuantas; combien; wieviele; quanti; quante; quantos; quantas; hoeveel; ile; сколько; скільки; כמה; كم;
    howmany; wieviel; 几位; 何名
    """
)
# A title with one of these is about something else than the guest, or about the kind of something.
FOREIGN = _listed(
    """
    company; organization; organisation; phone; tel; telephone; mobile; cell; fax; pager; street; city; town; state;
    zip; zipcode; postal; country; region; address2; type; label; phonetic; yomi; nickname; nick; assistant;
    assistants; manager; managers; spouse; partner; billing; web; url; website; photo; birthday; anniversary;
    account; user; username; password; department; job; profession; house; year; joined; date; time; order; ticket;
    price; fee; paid; currency; old; previous; former; referred; initials; prefix; suffix; middle; screen; opt;
    optin; rating; timezone; gmtoff; dstoff; latitude; longitude; leid; euid; custom; event; maiden; empresa;
    teléfono; movil; calle; ciudad; pais; apodo; antiguo; societe; entreprise; rue; ville; pays; surnom; ancien;
    ancienne; assistante; directeur; responsable; conjoint; conyuge; asistente; director; jefe; firma; strasse; ort;
    plz; land; telefon; spitzname; assistenten; assistent; vorgesetzter; partnerin; geburtstag; azienda; telefono;
    via; citta; paese; soprannome; cidade; rua; bedrijf; stad; straat; adres; ulica; miasto; firmy; компания;
    телефон; город; улица; страна; старый; старая; прежний; جوال; هاتف; شركة; مدينة; قديم; טלפון; חברה; עיר; ישן;
    電話; 会社; 住所; 电话; 公司; 地址; 旧; sirket; sehir; eski; anzeigename; kind; art; typ; tipo
    """
)
# What names somebody's first name beside a last name, and the last name beside a first name.
GIVEN_BESIDE_FAMILY = _listed(
    """
    name; nombre; nome; nom; namn; navn; naam; имя; الاسم; اسم; שם; jmeno; nume; nev; ime; meno; 名前; 名字; 이름; nazwa;
    ad; isim; نام; nimi; όνομα
    """
)
# Names of those who are invited together: not used beside a first and a last name.
GROUP_NAMES = _listed("party; party name; household; household name; invitation name; envelope name")
# Names of more than the guest, or other names of theirs: not used beside a column with the name.
WEAK_NAMES = _listed(
    """
    party; party name; household; household name; contact; contact name; file as; who; people; person; display name; cn; addressee; invitation
    name; envelope name; nickname; anzeigename; guests; attendee; buyer name; nominativo; host
    """
)
# Answers and states of people who do not come.
DECLINED = _listed(
    """
    no; not attending; not going; declined; decline; refunded; cancelled; canceled; can't come; rejected; not
    coming; cannot attend; can't attend; can't go; cannot go; can't make it; will not attend; won't attend; unable to
    attend; not able to attend; regretfully declines; regrets; voided; deleted; withdrawn; removed; no asiste;
    no viene; rechazado; cancelado; reembolsado; non; absent; refusé; annulé; remboursé; nein; abgesagt; absage;
    storniert; erstattet; rifiutato; annullato; rimborsato; não; recusado; nee; afgezegd; geannuleerd; nie;
    anulowano; odmowa; nej; avböjt; afbud; нет; отказ; отменено; не придёт; не придет; ні; لا; اعتذر; ملغى; לא; לא
    מגיע; בוטל; 欠席; 不参加; 取消; 불참; hayır; iptal; gelmiyor; ne; abgelehnt; zugesagt nicht
    """
)
