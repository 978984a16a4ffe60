"""Read time zones of this site with the libraries of calendar programs: ical.js (Thunderbird), node-ical and libical (Evolution).

`make readers` runs it where node, npm, a C compiler and libical's headers are installed (Debian: npm gcc libical-dev).
The moments are those of `tests/parties/test_zones.py`: twelve zones, on both sides of each change from 2026 to 2028, by old and
by new rules of time zones. vobject and icalendar read them, too, as in that test.

A reader that goes by the name of a zone and its own rules may find another instant, but shows the same time by the clock.
"""

import json
import logging
import os
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from app import zone_rules
from tests.parties import test_zones
from tests.parties.test_zones import TWELVE, calendar_of, moments_of

logger = logging.getLogger(__name__)
PACKAGES = ("ical.js@2.2.1", "node-ical@0.26.1")
RULES = ("2025.2", "2026.6")
JAVASCRIPT = """\
import { readFileSync } from "node:fs";
import ICAL from "ical.js";
import nodeIcal from "node-ical";
const text = readFileSync(0, "utf8"), calendar = new ICAL.Component(ICAL.parse(text));
calendar.getAllSubcomponents("vtimezone").forEach((zone) => ICAL.TimezoneService.register(zone));
const events = Object.values(nodeIcal.sync.parseICS(text)).filter((each) => each.type === "VEVENT");
console.log(JSON.stringify({
  "ical.js": calendar.getAllSubcomponents("vevent").map((each) => new ICAL.Event(each).startDate.toUnixTime()),
  "node-ical": events.sort((a, b) => a.uid - b.uid).map((each) => each.start.getTime() / 1000),
  // What the clocks of the place show at that instant, by the rules of node, as seconds since 1970 there.
  "clock": events.map((each) => Date.parse(
    each.start.toLocaleString("sv-SE", { timeZone: process.argv[2] }).replace(" ", "T") + "Z") / 1000),
}));
"""
C = """\
#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    char *text = calloc(1, 1 << 20);
    fread(text, 1, (1 << 20) - 1, stdin);
    icalcomponent *calendar = icalparser_parse_string(text);
    icalcomponent *event = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT);
    for (; event; event = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT)) {
        icalproperty *start = icalcomponent_get_first_property(event, ICAL_DTSTART_PROPERTY);
        struct icaltimetype when = icalproperty_get_datetime_with_component(start, calendar);
        printf("%lld\\n", (long long) icaltime_as_timet_with_zone(when, icaltime_get_timezone(when)));
    }
}
"""


def run(command: list[str], folder: Path, text: str = "") -> str:
    """Run a command in `folder` and return its output. Raises CalledProcessError if it fails."""
    return subprocess.run(command, cwd=folder, input=text, text=True, capture_output=True, check=True).stdout


def prepare(folder: Path) -> None:
    """Install and compile the readers."""
    (folder / "package.json").write_text("{}")
    run(["npm", "install", "--no-fund", "--no-audit", *PACKAGES], folder)
    (folder / "read.mjs").write_text(JAVASCRIPT)
    (folder / "read.c").write_text(C)
    flags = shlex.split(os.environ.get("CFLAGS", ""))
    run(["gcc", *flags, "read.c", "-o", "read", "-lical"], folder)


def read(folder: Path, text: str, zone: str) -> dict[str, list[int]]:
    """Return the seconds since 1970 at which each reader lets the events begin."""
    found: dict[str, list[int]] = json.loads(run(["node", "read.mjs", zone], folder, text))
    return {**found, "libical": [int(line) for line in run(["./read"], folder, text).split()]}


def rules(folder: Path, version: str) -> Path:
    """Install the rules of a version of tzdata, and return their folder."""
    target = folder / version
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    run([*command, f"tzdata=={version}"], folder)
    return target / "tzdata" / "zoneinfo"


def compare(folder: Path, zone: str) -> int:
    """Log what each reader makes of a zone, and return how much of it is wrong."""
    moments = moments_of(ZoneInfo(zone))
    found = read(folder, calendar_of(zone, moments), zone)
    clock = found.pop("clock")
    wrong = 0
    for reader, seconds in found.items():
        differ = [(meant, n) for n, meant in enumerate(moments) if meant.timestamp() != seconds[n]]
        if reader == "node-ical":
            # It goes by the name.
            differ = [(meant, n) for meant, n in differ if _local(meant, zone) != datetime.fromtimestamp(clock[n], UTC)]
        wrong += len(differ)
        logger.info("%-20s %-10s %3d moments, %d wrong %s", zone, reader, len(moments), len(differ), differ[:3])
    test_zones.test_three_readers_find_the_instant_on_both_sides_of_each_change(zone)
    return wrong


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)


def main() -> int:
    """Compare all, and return 1 if a reader is wrong."""
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for version in RULES:
            # In a process of its own: icalendar and vobject keep the first definition of a zone.
            command = [sys.executable, "-m", "tests.calendar_readers", str(folder), str(rules(folder, version))]
            wrong += subprocess.run(command, check=False).returncode
    return int(wrong > 0)


def by_rules(folder: Path, zones: Path) -> int:
    """Compare what readers make of all zones, which follow the rules in a folder; return 1 if a reader is wrong."""
    zone_rules.use_newest([zones])
    logger.info("Rules of %s", zone_rules.version())
    return int(sum(compare(folder, zone) for zone in TWELVE) > 0)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sys.exit(by_rules(*map(Path, sys.argv[1:])) if len(sys.argv) > 1 else main())
