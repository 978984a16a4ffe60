"""A real DNS server on the loopback interface, with the records of a test."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator, Mapping

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

from tests.support.smtp import HOST

Records = Mapping[tuple[str, str], str]


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, line = self.request
        query = dns.message.from_wire(wire)
        answer = dns.message.make_response(query)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        records: Records = self.server.records  # type: ignore[attr-defined]
        known = {each for each, _kind in records}
        found = records.get((name, dns.rdatatype.to_text(question.rdtype)))
        if found is not None:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", question.rdtype, found))
        elif name not in known:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        line.sendto(answer.to_wire(), self.client_address)


@contextlib.contextmanager
def resolving(records: Records) -> Iterator[None]:
    """Have dnspython ask a server that knows `records`, by name and kind."""
    with socketserver.UDPServer((HOST, 0), _Handler) as server:
        server.records = records  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [HOST], server.server_address[1]
        usual, dns.resolver.default_resolver = dns.resolver.default_resolver, resolver
        try:
            yield
        finally:
            dns.resolver.default_resolver = usual
            server.shutdown()
