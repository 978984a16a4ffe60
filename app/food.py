"""Diets, and the 14 allergens of EU Regulation 1169/2011, annex II."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from flask_babel import lazy_gettext

DIETS = {
    "vegetarian": lazy_gettext("Vegetarian"),
    "vegan": lazy_gettext("Vegan"),
    "pescatarian": lazy_gettext("Fish, but no meat"),
    "halal": lazy_gettext("Halal"),
    "kosher": lazy_gettext("Kosher"),
    "no_pork": lazy_gettext("No pork"),
    "no_alcohol": lazy_gettext("No alcohol"),
}
# A dish for the diet on the left also suits the diets on the right.
IMPLIED = {
    "vegan": frozenset({"vegetarian", "pescatarian", "no_pork"}),
    "vegetarian": frozenset({"pescatarian", "no_pork"}),
    "pescatarian": frozenset({"no_pork"}),
    "halal": frozenset({"no_pork", "no_alcohol"}),
    "kosher": frozenset({"no_pork"}),
}
# What a host says of a dish: with the last one, that it suits no diet but those named. Otherwise nothing is said of the others.
NO_OTHER = "no_other"
DISH_DIETS = {**DIETS, NO_OTHER: lazy_gettext("No other of these diets")}
# A dish that is for one of those on the right, and not called one for those on the left, is not.
LESS_STRICT = {"vegan": frozenset({"vegetarian", "pescatarian"}), "vegetarian": frozenset({"pescatarian"})}
# Who does not eat what an allergen is made of.
NOT_IN = {
    "vegan": frozenset({"eggs", "milk", "fish", "crustaceans", "molluscs"}),
    "vegetarian": frozenset({"fish", "crustaceans", "molluscs"}),
    "kosher": frozenset({"crustaceans", "molluscs"}),
}
ALLERGENS = {
    "gluten": lazy_gettext("Cereals with gluten"),
    "crustaceans": lazy_gettext("Crustaceans"),
    "eggs": lazy_gettext("Eggs"),
    "fish": lazy_gettext("Fish"),
    "peanuts": lazy_gettext("Peanuts"),
    "soy": lazy_gettext("Soybeans"),
    "milk": lazy_gettext("Milk, with lactose"),
    "nuts": lazy_gettext("Nuts"),
    "celery": lazy_gettext("Celery"),
    "mustard": lazy_gettext("Mustard"),
    "sesame": lazy_gettext("Sesame"),
    "sulphites": lazy_gettext("Sulphites"),
    "lupin": lazy_gettext("Lupin"),
    "molluscs": lazy_gettext("Molluscs"),
}

# Ingredients that contain an allergen, in English, Spanish and Arabic; singulars, as `_words` has them.
INGREDIENTS = {
    "gluten": """wheat; flour; bread; breadcrumb; panko; pasta; spaghetti; lasagna; noodle; couscous; bulgur; semolina; barley;
        rye; spelt; oat; seitan; malt; beer; filo; phyllo; tortilla; cracker; biscuit; pastry; soy sauce; trigo; harina; pan;
        fideo; macarron; espagueti; cuscus; semola; cebada; centeno; espelta; avena; cerveza; galleta; hojaldre; salsa de soja;
        pan rallado; قمح; دقيق; طحين; خبز; معكرونة; مكرونة; شعيرية; كسكس; كسكسي; برغل; سميد; شعير; شوفان; فريكة; عجين""",
    "crustaceans": """shrimp; prawn; crab; lobster; crayfish; langoustine; gamba; langostino; camaron; cangrejo; bogavante;
        langosta; cigala; marisco; جمبري; روبيان; قريدس; سلطعون; كركند; سرطان البحر""",
    "eggs": """egg; yolk; mayonnaise; mayo; meringue; huevo; yema; mayonesa; merengue; clara de huevo; بيض; بيضة; مايونيز""",
    "fish": """fish; salmon; tuna; cod; anchovy; sardine; trout; haddock; mackerel; hake; halibut; sea bass; worcestershire sauce;
        pescado; atun; bacalao; anchoa; boqueron; sardina; trucha; merluza; caballa; lubina; dorada; سمك; سمكة; سلمون; تونة;
        سردين; أنشوجة; هامور""",
    "peanuts": """peanut; groundnut; cacahuete; mani; فول سوداني""",
    "soy": """soy; soya; soybean; tofu; tempeh; miso; edamame; soja; صويا; توفو""",
    "milk": """milk; butter; cream; cheese; yogurt; yoghurt; ghee; buttermilk; parmesan; mozzarella; feta; ricotta; mascarpone;
        halloumi; cheddar; whey; custard; leche; mantequilla; nata; crema; queso; yogur; requeson; cuajada; parmesano; حليب;
        لبن; زبدة; قشطة; كريمة; جبن; جبنة; زبادي; لبنة; سمن; سمنة; حلوم""",
    "nuts": """nut; almond; hazelnut; walnut; cashew; pecan; brazil nut; pistachio; macadamia; praline; marzipan; nutella; almendra;
        avellana; nuez; nueces; anacardo; pacana; pistacho; mazapan; turron; لوز; بندق; جوز; كاجو; فستق; مكسرات""",
    "celery": """celery; celeriac; apio; apionabo; كرفس""",
    "mustard": """mustard; mostaza; خردل""",
    "sesame": """sesame; tahini; halva; halvah; sesamo; ajonjoli; سمسم; طحينة; حلاوة""",
    "sulphites": """sulphite; sulfite; wine; vinegar; sulfito; vino; vinagre; كبريتيت; نبيذ""",
    "lupin": """lupin; lupine; altramuz; altramuces; ترمس""",
    "molluscs": """mussel; oyster; clam; squid; octopus; scallop; calamari; snail; mejillon; ostra; almeja; calamar; pulpo; vieira;
        sepia; chipiron; caracol; بلح البحر; محار; حبار; أخطبوط; كاليماري""",
}
# What is called after something that it does not contain: "coconut milk", "harina de arroz". What stays is in brackets.
NAMESAKES = (
    r"\b(?:gluten|dairy|egg|nut|lactose)[ -]free \w+|\bvegan \w+|\b\w+ sin (?:gluten|lactosa|huevo)\b|\w+ خال\w* من \w+",
    r"\b(almond|cashew|hazelnut|oat|soy|soya|rice|peanut|nut)s? (?:milk|cream|butter|yogurt|yoghurt|cheese)\b",
    r"\b(rice|corn|maize|chickpea|gram|almond|potato|buckwheat)s? (?:flour|noodles?|pasta|tortillas?|crackers?)\b",
    r"\bcoconut (?:milk|cream|yogurt|flour)\b|\bcocoa butter\b|\bbutter ?beans?\b|\bcream of tartar\b|\bnutmeg\b|\boyster mushrooms?\b",
    r"\b(?:leche|nata|crema|mantequilla|manteca|yogur|queso|harina|fideos?) de (almendras?|avena|soja|arroz|maiz|garbanzos?|cacahuetes?)\b",
    r"\b(?:leche|nata|crema|harina|manteca) de (?:coco|cacao)\b|\bnuez moscada\b|\bcorn tortillas?\b|\btortillas? de maiz\b",
    r"(?:حليب|زبدة|كريمة|دقيق|طحين) (?:ال)?(لوز|شوفان|صويا|أرز|ارز|ذرة|حمص|فول السوداني|فول سوداني)",
    r"(?:حليب|كريمة|زبدة|دقيق) (?:جوز الهند|الكاكاو|كاكاو)|جوز(?:ة)? (?:الهند|الطيب)",
)
ARABIC_PREFIX = re.compile(r"^(?:و|ب|ل)?(?:ال)(?=..)|^و(?=ال)")


def find_allergens(ingredients: Iterable[str]) -> list[str]:
    """Return the allergens that the words of ingredients name. Others may be in them: it is a proposal, no information."""
    known = _known_ingredients()
    found = {known[phrase] for ingredient in ingredients for phrase in _phrases(ingredient) if phrase in known}
    return [allergen for allergen in ALLERGENS if allergen in found]


@cache
def _known_ingredients() -> dict[str, str]:
    return {" ".join(_words(name)): allergen for allergen, names in INGREDIENTS.items() for name in names.split(";")}


def _phrases(ingredient: str) -> Iterator[str]:
    """Yield the words of an ingredient, and up to three that stand beside each other."""
    text = _fold(ingredient)
    for pattern in NAMESAKES:
        text = re.sub(_fold(pattern), lambda match: f" {next(filter(None, match.groups()), '')} ", text)
    words = _words(text)
    for length in (1, 2, 3):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])


def _fold(text: str) -> str:
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in spread if not unicodedata.combining(c))


def _words(text: str) -> list[str]:
    """Return the words without accents, articles and the endings of the plural."""
    words = (ARABIC_PREFIX.sub("", word) for word in re.findall(r"\w+", _fold(text)))
    return [_singular(word) for word in words]


def _singular(word: str) -> str:
    for ending, singular in (("ies", "y"), ("ches", "ch"), ("ones", "on"), ("ces", "z"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2 and not word.endswith("ss"):
            return word.removesuffix(ending) + singular
    return word
