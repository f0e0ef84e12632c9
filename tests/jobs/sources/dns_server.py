"""A DNS server on loopback, and a resolver that asks nobody else."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

Records = dict[str, list[str]]  # name -> its TXT records; of a name that is not in it, nothing exists


@contextmanager
def served() -> Iterator[Records]:
    """The records that the system's resolver gives, in this process."""
    records: Records = {}

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            packet, socket = self.request
            question = dns.message.from_wire(packet)
            (asked,) = question.question
            answer = dns.message.make_response(question)
            texts = records.get(asked.name.to_text(omit_final_dot=True).lower())
            if texts is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            elif texts == FAILS:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif texts:
                answer.answer.append(
                    dns.rrset.from_text_list(asked.name, 60, "IN", "TXT", [quoted(text) for text in texts])
                )
            socket.sendto(answer.to_wire(), self.client_address)

    resolver = dns.resolver.Resolver(configure=False)
    before, dns.resolver.default_resolver = dns.resolver.default_resolver, resolver
    with socketserver.UDPServer(("127.0.0.1", 0), Handler) as server:
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield records
        finally:
            server.shutdown()
            dns.resolver.default_resolver = before


FAILS = ["SERVFAIL"]  # in place of a name's records


def quoted(text: str) -> str:
    """As in a zone file, in strings of at most 255 bytes, of which a record may have several."""
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
