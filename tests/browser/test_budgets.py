"""What a page costs at the first visit: bytes on the wire and requests, as Chromium counts them on the served site."""

from urllib.parse import urlsplit

import pytest

from tests.support.factories import DinnerPartyFactory, RsvpFactory

KILOBYTE = 1024
MOST_REQUESTS = 5


@pytest.fixture
def site(server):
    return server.start(WORKERS="1").url


@pytest.fixture
def cost(page, log_in, record_property):
    """Load an address with an empty cache; return its kilobytes and its requests."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    told = []
    # What is part of a page or a style sheet (data:) costs nothing more.
    network.on(
        "Network.loadingFinished", lambda event: event["encodedDataLength"] and told.append(event["encodedDataLength"])
    )

    def cost(address):
        page.goto("about:blank")
        network.send("Network.clearBrowserCache")
        told.clear()
        page.goto(address, wait_until="networkidle")
        size = sum(told) / KILOBYTE
        record_property("transferred", f"{urlsplit(address).path}: {size:.1f} KB in {len(told)} requests")
        return size, len(told)

    return cost


def test_the_first_visit_of_a_page_is_light(page, log_in, cast, cost):
    party = DinnerPartyFactory(host=cast.host, description="Come hungry, leave happy. " * 20)
    for _number in range(3):
        RsvpFactory(party=party)
    DinnerPartyFactory.create_batch(24, host=cast.host)
    found = {"landing": (cost("/"), 14), "party": (cost(f"/parties/{party.slug}"), 16)}
    log_in(page, cast.admin)
    found["list of 25 rows"] = (cost("/dinnerparties/list/?psize_DinnerPartyModelView=25"), 20)
    assert page.locator("table.rows tbody tr").count() == 25
    assert {name: size for name, ((size, _requests), most) in found.items() if size > most} == {}
    assert {name: requests for name, ((_size, requests), _most) in found.items() if requests > MOST_REQUESTS} == {}
