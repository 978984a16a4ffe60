"""The colours of charts. charts.css has the same ones as variables; a file has them in its own style sheet.

The twelve were searched for by computer: any two are told apart also by people who do not see red, green or blue, and each stands
out from its background. tests/charts/test_palette.py computes both.
"""

LIGHT = (
    *("#8a1c3a", "#5b86e5", "#b9791f", "#2c3a8f", "#5e816d", "#b33022"),
    *("#8d4bb7", "#530042", "#a177ab", "#585b7a", "#17226d", "#382c0c"),
)
DARK = (
    *("#e08a94", "#5cb1f5", "#ecc65c", "#8f6bd1", "#58994a", "#b24393"),
    *("#9bf8f2", "#82654e", "#e8eba4", "#7db530", "#91d0fc", "#bdceac"),
)
# From little to much.
RAMP_LIGHT = ("#f7e6d8", "#efc9b5", "#e3a795", "#d2817c", "#b95866", "#982f50", "#6b1035")
RAMP_DARK = ("#3a2a30", "#5a3438", "#7c4240", "#a05646", "#c3724b", "#e09657", "#f6c67a")
PAPER, INK, SOFT, LINE, EDGE = "#fffdf7", "#2c1c1b", "#67524a", "#dccdb4", "#8c7565"


def on(colour: str) -> str:
    """Return black or white, whichever is read better on a colour."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if luminance < 0.179 else "#000000"


def variables() -> str:
    """Return the variables as they stand in charts.css."""
    pairs = [
        *((f"--c{n}", light, dark) for n, (light, dark) in enumerate(zip(LIGHT, DARK, strict=True))),
        *((f"--t{n}", on(light), on(dark)) for n, (light, dark) in enumerate(zip(LIGHT, DARK, strict=True))),
        *((f"--h{n}", light, dark) for n, (light, dark) in enumerate(zip(RAMP_LIGHT, RAMP_DARK, strict=True))),
    ]
    return "".join(f"  {name}: light-dark({light}, {dark});\n" for name, light, dark in pairs)


def style_sheet(family: str) -> str:
    """Return the rules of a file that stands alone: light, without variables."""
    rules = [
        f"text{{font:12px {family};fill:{SOFT}}}.heading{{font:600 17px {family};fill:{INK}}}.label,.value{{fill:{INK}}}",
        f".figure{{font:600 22px {family};fill:{INK}}}.big{{font:600 34px {family};fill:{INK}}}.small{{font-size:11px}}",
        f".paper{{fill:{PAPER}}}.grid{{stroke:{LINE}}}.zero{{stroke:{EDGE}}}.hit{{opacity:0}}.slim{{display:none}}",
        f".line{{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}}.area{{opacity:.25}}.part,.cell{{stroke:{PAPER}}}",
        f".cloud{{fill:none;stroke-width:4;stroke-linecap:round}}.track{{fill:none;stroke:{LINE};stroke-width:18}}",
        f".arc{{fill:none;stroke-width:18}}.bubble{{stroke:{PAPER}}}.edge{{fill:none;stroke:{EDGE}}}.arrow{{fill:{EDGE}}}",
        f".node{{fill:{PAPER};stroke:{EDGE}}}.whisker{{stroke:{INK}}}.median{{stroke:{PAPER};stroke-width:2}}.none{{fill:{LINE};opacity:.4}}",
        *(
            f".f{n}{{fill:{colour}}}.s{n}{{stroke:{colour}}}text.t{n}{{fill:{on(colour)}}}"
            for n, colour in enumerate(LIGHT)
        ),
        *(f".h{n}{{fill:{colour}}}text.u{n}{{fill:{on(colour)}}}" for n, colour in enumerate(RAMP_LIGHT)),
    ]
    return "".join(rules)
