"""What is no round of requests: two hundred answers at once, the start, memory, and a letter to many guests."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from benchmarks import data, processes
from benchmarks.data import Size
from benchmarks.rounds import Database, Figures
from benchmarks.rows import Target
from benchmarks.sites import Ours, Served, Site
from benchmarks.visitor import Answer, Request, Visitor, WrongAnswerError
from tests.support.smtp import free_port

CROWD, SEATS = 200, 8
# Of the row of a page while the letter is written, and before.
QUIET_PAGES, LETTER_SECONDS = 30, 120
LETTER, MEANWHILE, QUIET = f"letter to {data.GUESTS:,}", "slowest page meanwhile", "a page before"
TARGETS: dict[str, tuple[Target, ...]] = {
    f"{CROWD} answers for {SEATS} seats": (Target(1, "sqladmin"),),
    "cold start": (Target(600),),
    "cold start, run.py": (Target(600),),
    "memory of a worker": (Target(50),),
    "memory of a worker, run.py": (Target(50),),
    LETTER: (Target(0.2 * data.GUESTS),),
    MEANWHILE: (Target(2, row=QUIET),),
}

# A row, a site, what it took, and in which unit.
Measured = Iterator[tuple[str, Site, Figures, str]]


def crowd(sites: Sequence[Site], _size: Size, database: Database) -> Measured:
    """Let members answer a party at once; all of them have its page open."""
    for site in sites:
        if "rsvp" not in site.paths:
            continue
        party = next(site.targets)
        members = [site.member(data.FIRST_MEMBER + 10 + number) for number in range(CROWD)]
        waiting = [(visitor, site.rsvp(visitor, party)) for visitor in members]
        start = threading.Barrier(CROWD + 1)
        answers: list[Answer] = []
        threads = [threading.Thread(target=_answer, args=(*each, start, answers)) for each in waiting]
        for thread in threads:
            thread.start()
        with _watched(site, database) as figures:
            start.wait()
            for thread in threads:
                thread.join()
        _check_crowd(site, party, [answer.status for answer in answers])
        yield f"{CROWD} answers for {SEATS} seats", site, figures, "ms"


def _answer(visitor: Visitor, request: Request, start: threading.Barrier, answers: list[Answer]) -> None:
    start.wait()
    answers.append(visitor.answer(request))


def _check_crowd(site: Site, party: int, statuses: Sequence[int]) -> None:
    """Raise WrongAnswerError unless the seats are taken, and everybody else knows that, or waits and is written to."""
    refused = site.full_status
    expected = sorted([303] * SEATS + [refused] * (CROWD - SEATS))
    (taken,) = site.ask(f"SELECT seats_taken FROM dinner_party WHERE id = {int(party)}")  # noqa: S608 - a number
    if sorted(statuses) != expected or taken != SEATS:
        raise WrongAnswerError(f"{site.title}: {taken} seats are taken, and the answers were {sorted(statuses)}")
    if isinstance(site, Ours):
        (queued,) = site.ask(
            f"SELECT count(*) FROM rsvp WHERE party_id = {int(party)} AND status = 'waitlisted'"  # noqa: S608
        )
        (written,) = site.ask("SELECT count(*) FROM letter")
        if queued != CROWD - SEATS or written < CROWD:
            raise WrongAnswerError(f"{site.title}: {queued} wait, and {written} letters were written")


def start(sites: Sequence[Site], _size: Size, _database: Database) -> Measured:
    """Start another server of each site until it has answered once."""
    for site in sites:
        yield "cold start", site, _start(site), "ms"
        if isinstance(site, Ours) and site.is_on_server:
            yield "cold start, run.py", site, _start(_served(site, 1)), "ms"


def _start(site: Site) -> Figures:
    other = dataclasses.replace(site, port=free_port(), visitors={}, process=None)
    try:
        seconds = other.start()
        application = sum(map(processes.cpu_seconds, other.processes()))
        return Figures([seconds * 1000], [application * 1000])
    finally:
        other.stop()


def memory(sites: Sequence[Site], size: Size, _database: Database) -> Measured:
    """Look at the workers, which have answered all that was measured before."""
    for site in sites:
        # A server of several workers is supervised by its first process.
        workers = site.processes()[1:] or site.processes()
        yield "memory of a worker", site, Figures([processes.proportional_mb(workers)]), "MB"
        if isinstance(site, Ours) and site.is_on_server:
            yield "memory of a worker, run.py", site, Figures([_memory_as_served(site, size)]), "MB"


def _memory_as_served(site: Ours, size: Size, workers: int = 4) -> float:
    """Return what all processes of run.py take for each worker, those that share their memory with them included."""
    served = _served(site, workers)
    try:
        served.start()
        admin = served.admin()
        party = served.paths["show"].format(size.parties // 2)
        for _ in range(20 * workers):
            for path in (served.paths["list"], served.paths["public"], party):
                admin.send(Request(path))
        return processes.proportional_mb(served.processes()) / workers
    finally:
        served.stop()


def letter(sites: Sequence[Site], size: Size, database: Database) -> Measured:
    """Write to many guests as their host, where two workers serve; a stranger reads other pages before and meanwhile."""
    for site in sites:
        if not isinstance(site, Ours):
            continue
        served = _served(site, 2)
        # It writes the letters.
        served.environ = {**served.environ, "BACKGROUND_WORKER": "yes"}
        try:
            served.start()
            yield from _letter(site, served, size, database)
        finally:
            served.stop()


def _letter(site: Ours, served: Site, size: Size, database: Database) -> Measured:
    page = f"/parties/target-{size.first_target}/write"
    host = served.member(data.FIRST_MEMBER)
    asked = {"audiences": "everybody", "subject": "What to bring", "text": "Good appetite.", "key": str(time.time_ns())}
    request = Request(page, data={**host.token(page), **asked}, status=303)
    other = Request("/parties/target-" + str(next(site.targets)), "Target")
    before = Figures([served.stranger().send(other).seconds * 1000 for _ in range(QUIET_PAGES)])
    (written,) = site.ask("SELECT count(*) FROM letter")
    meanwhile = Figures()
    done = threading.Event()
    reader = threading.Thread(target=_read, args=(served, other, done, meanwhile.wall))
    reader.start()
    try:
        with _watched(served, database) as figures:
            host.send(request)
            _wait_for_letters(site, written + data.GUESTS)
    finally:
        done.set()
        reader.join()
    # What the reader took meanwhile is no part of it.
    quiet = median(before.wall)
    yield LETTER, site, dataclasses.replace(figures, application=[]), "ms"
    yield QUIET, site, Figures([quiet]), "ms"
    yield MEANWHILE, site, Figures([max(meanwhile.wall)]), "ms"


def _wait_for_letters(site: Site, expected: int) -> None:
    deadline = time.monotonic() + LETTER_SECONDS
    while (written := site.ask("SELECT count(*) FROM letter")[0]) < expected:
        if time.monotonic() > deadline:
            raise WrongAnswerError(f"{site.title}: there are {written} letters, and not {expected}")
        time.sleep(0.05)


def _read(site: Site, request: Request, done: threading.Event, seconds: list[float]) -> None:
    while not done.is_set():
        seconds.append(site.stranger().send(request).seconds * 1000)


def _served(site: Ours, workers: int) -> Served:
    """Return a site as run.py serves it."""
    environ = {**site.environ, "WORKERS": str(workers)}
    return Served(site.python, environ, site.targets, site.folder, site.tree, site.title)


@contextlib.contextmanager
def _watched(site: Site, database: Database) -> Iterator[Figures]:
    """Measure a block."""
    of_site, figures = site.processes(), Figures()

    def now() -> tuple[float, float, float]:
        application = sum(map(processes.cpu_seconds, of_site))
        return time.perf_counter(), application, processes.database_seconds(database.postmaster)

    before = now()
    yield figures
    took = [(after - earlier) * 1000 for after, earlier in zip(now(), before, strict=True)]
    for values, value in zip((figures.wall, figures.application, figures.database), took, strict=True):
        values.append(value)


STEPS: dict[str, Callable[[Sequence[Site], Size, Database], Measured]] = {
    "crowd": crowd,
    "start": start,
    "memory": memory,
    "letter": letter,
}
