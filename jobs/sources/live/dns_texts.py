"""Texts that a domain's owner publishes in DNS, from the system's resolver."""

from jobs.sources.live.budget import ApiError, Budget

MAX_ANSWER_S = 5


def texts(budget: Budget, name: str) -> list[str]:
    """The TXT records of a name; empty if it has none. Counts as one request. Raises `ApiError` if DNS does not answer."""
    import dns.exception
    import dns.resolver

    budget.spend()
    try:
        found = dns.resolver.resolve(f"{name}.", "TXT", lifetime=MAX_ANSWER_S)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise ApiError(f"{name}: DNS does not answer ({type(error).__name__})") from None
    return [b"".join(record.strings).decode("utf-8", "replace") for record in found]
