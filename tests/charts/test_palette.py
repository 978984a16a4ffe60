"""The colours of charts: told apart by everybody, seen on their background, and the same in the style sheet."""

import math
from itertools import combinations
from pathlib import Path

import pytest

import app
from app.charts import palette

# What people without the cones for red, green or blue see of linear light (Machado, Oliveira and Fernandes 2009).
SIGHTS = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
# 0.02 is just noticeable in Oklab.
TOLD_APART, FIRST_FOUR = 0.075, 0.12
CARDS = {"light": ("#fffdf7", "#f6efe2"), "dark": ("#261b1f", "#1b1316")}
THEMES = {"light": palette.LIGHT, "dark": palette.DARK}


def linear(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]


def oklab(light):
    red, green, blue = (max(each, 0) for each in light)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def seen(colour, sight):
    light = linear(colour)
    return oklab([sum(share * each for share, each in zip(row, light, strict=True)) for row in SIGHTS[sight]])


def contrast(one, other):
    values = sorted(
        sum(share * each for share, each in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (one, other)
    )
    return (values[1] + 0.05) / (values[0] + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHTS)
def test_any_two_colours_are_told_apart(theme, sight):
    places = [seen(colour, sight) for colour in THEMES[theme]]
    assert min(math.dist(a, b) for a, b in combinations(places, 2)) > TOLD_APART
    assert min(math.dist(a, b) for a, b in combinations(places[:4], 2)) > FIRST_FOUR


@pytest.mark.parametrize("theme", THEMES)
def test_colours_stand_out_from_their_background_and_words_from_them(theme):
    for colour in THEMES[theme]:
        assert min(contrast(colour, card) for card in CARDS[theme]) >= 3
        assert contrast(colour, palette.on(colour)) >= 4.5


def test_a_ramp_grows_for_everybody():
    for ramp, direction in ((palette.RAMP_LIGHT, -1), (palette.RAMP_DARK, 1)):
        for sight in SIGHTS:
            lightness = [seen(colour, sight)[0] * direction for colour in ramp]
            assert lightness == sorted(lightness)


def test_pages_and_files_have_the_same_colours():
    style = (Path(app.__file__).parent / "static" / "charts.css").read_text(encoding="utf-8")
    assert palette.variables() in style
    assert all(f".f{n}{{fill:{colour}}}" in palette.style_sheet("x") for n, colour in enumerate(palette.LIGHT))
