"""What pulls see in profiles -> rows of `claims`, and of `links` for claims by which two accounts confirm each other.

A claim holds from the day on which a pull sees it until the day on which a pull reads its place without it, or the account is
deleted. Two accounts confirm each other if each names an address of the other, if the same domain is verified for both, or if
both carry the code that was made for the two, with one of the keys that make codes of consent. For each of the two, `links`
then gets a row that holds as long as the account's own claim. A claim of one account adds none.
"""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from jobs import claims
from jobs.codes import EVERYWHERE, LINK, VARIABLE, Seen
from jobs.night_settings import nights
from jobs.people import proofs
from jobs.warehouse import objections, runs, suppression
from jobs.warehouse.storage import Warehouse, rows
from jobs.warehouse.suppression import TOKEN, Suppressed
from schemas.claims import CLAIMS, CODE, DOMAIN, OWN, PROFILE, REL_ME
from schemas.consent import CONSENT
from schemas.links import BY_BOTH, LINKS

JOB = "claims"

Row = Mapping[str, Any]


class _Says(NamedTuple):
    """One account's evidence that another is the same person."""

    account: str
    other: str
    kind: str


class _Held(NamedTuple):
    """When a claim held: from a UTC day on, until another; None while it holds."""

    first_seen: date
    until: date | None


def telling(warehouse: Warehouse, platform: str, seen: Iterable[Seen]) -> list[Seen]:
    """What was seen of the platform's accounts and may change `consent` or `claims`: codes, claims, and places of accounts that
    had some before."""
    by_code = pc.field("origin") == proofs.ORIGIN
    known = {
        *warehouse.read(CLAIMS, columns=["account"])["account"].to_pylist(),
        *warehouse.read(CONSENT, columns=["person_id"], where=by_code)["person_id"].to_pylist(),
    }
    return [one for one in seen if one.codes or one.claims or f"{platform}:{one.account}" in known]


def take(warehouse: Warehouse, platform: str, seen: Iterable[Seen], *, run_id: str) -> int:
    """Records what was seen of the platform's accounts, but nothing of people who left, and no claim that names them. Returns
    the number of new rows of `claims`; what was recorded before adds none."""
    left = suppression.current(warehouse)
    found: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        if (account := f"{platform}:{one.account}") not in left:
            found[account].append(one)
    if not found:
        return 0
    recorded: dict[str, list[Row]] = defaultdict(list)
    for row in _newest(warehouse, pc.field("account").isin(_texts(found))):
        recorded[row["account"]].append(row)
    added = [row for account in sorted(found) for row in said(account, found[account], recorded[account], left)]
    if added:
        warehouse.append(CLAIMS, rows(CLAIMS, added), {}, run_id=run_id, job=JOB)
    _link(warehouse, found, run_id)
    return len(added)


def code(account: str, other: str) -> str:
    """The code that links two accounts (GitHub's in any case) if both profiles carry it. Raises `UsageError` if there is no
    key."""
    return _code(proofs.newest_key(), proofs.as_pulled(account), proofs.as_pulled(other))


def _code(key: bytes, account: str, other: str) -> str:
    pair = objections.ordered(account, other)
    return LINK + suppression.hashed(key, f"link {' '.join(pair)}")


def said(account: str, seen: Iterable[Seen], recorded: Sequence[Row], left: Suppressed) -> list[dict[str, Any]]:
    """The rows of `claims` to add for what was seen of one account. `recorded`: the newest rows of each of its claims so far.
    Ignores what was seen of a place no later than the newest of its rows."""
    names = ("place", "kind", "value")
    standing = {tuple(row[name] for name in names): row["first_seen"] for row in recorded if row["until"] is None}
    last: dict[str, datetime] = {}
    for row in recorded:
        last[row["place"]] = max(row["recorded_at"], last.get(row["place"], row["recorded_at"]))
    added = []
    for one in sorted(seen, key=lambda one: one.at):
        at = datetime.fromtimestamp(one.at / 1e6, UTC)
        if at <= last.get(one.place, datetime.min.replace(tzinfo=UTC)):
            continue
        now = {(one.place, *claim) for claim in _claimed(one, left)}
        if one.place == EVERYWHERE:
            gone = {key for key in standing if at > last[key[0]]}
        else:
            gone = {key for key in standing.keys() - now if key[0] == one.place and _is_read(one, key[1])}
        changed = {key: _Held(at.date(), None) for key in now - standing.keys()}
        changed |= {key: _Held(standing[key], max(at.date(), standing[key])) for key in gone}
        for key, held in sorted(changed.items()):
            added.append(
                {"account": account, **dict(zip(names, key, strict=True)), **held._asdict(), "recorded_at": at}
            )
            last[key[0]] = at
            if held.until is None:
                standing[key] = held.first_seen
            else:
                del standing[key]
    return added


def _is_read(one: Seen, kind: str) -> bool:
    """Whether the place was read so far that a claim of this kind which was not seen is gone."""
    return one.is_whole if kind == CODE else one.claims is not None


def _claimed(one: Seen, left: Suppressed) -> Iterator[tuple[str, str]]:
    """Kind and value of each claim that names nobody who left, and of each code of a link."""
    yield from ((CODE, code) for code in one.codes if code.startswith(LINK))
    for claim in claims.without(one.claims or (), left):
        kind, _, value = claim.partition(" ")
        if not TOKEN.search(value):
            yield kind, value


def _link(warehouse: Warehouse, accounts: Iterable[str], run_id: str) -> None:
    """Records in `links` what these accounts and others confirm to each other, and what no longer holds of it. Evidence that
    somebody ended with a reason, by `clout link end`, stays as it is."""
    theirs = set(accounts)
    confirmed = _confirmed(warehouse, theirs)
    names = _texts(theirs)
    touching = pc.field("account_a").isin(names) | pc.field("account_b").isin(names)
    known: dict[tuple[_Says, date], Row] = {}
    evidence = warehouse.read(LINKS, where=touching & pc.field("kind").isin(_texts(BY_BOTH)))
    for row in evidence.sort_by("recorded_at").to_pylist():
        other = row["account_b"] if row["said_by"] == row["account_a"] else row["account_a"]
        known[_Says(row["said_by"], other, row["kind"]), row["first_seen"]] = row
    at, new = runs.now(), []
    for key, row in known.items():
        # A code no longer counts once its key is dropped, nor a domain once too many accounts have it.
        if row["kind"] in (CODE, DOMAIN) and row["until"] is None:
            confirmed.setdefault(key, max(at.date(), row["first_seen"]))
    for key in sorted(confirmed):
        (says, first_seen), until, before = key, confirmed[key], known.get(key)
        is_news = until != first_seen if before is None else before["why"] is None and until != before["until"]
        if is_news:
            pair = dict(zip(("account_a", "account_b"), objections.ordered(says.account, says.other), strict=True))
            held = {"first_seen": first_seen, "until": until}
            new.append(pair | held | {"kind": says.kind, "said_by": says.account, "why": None, "recorded_at": at})
    if new:
        warehouse.append(LINKS, rows(LINKS, new), {}, run_id=run_id, job=JOB)


def _confirmed(warehouse: Warehouse, accounts: set[str]) -> dict[tuple[_Says, date], date | None]:
    """What one account says of another that says the same of it, from when until when, for all pairs with at least one of these
    accounts."""
    theirs = pc.field("account").isin(_texts(accounts))
    values = accounts.union(row["value"] for row in _newest(warehouse, theirs))
    around = _newest(warehouse, theirs | pc.field("value").isin(_texts(values)))
    every = [*_naming(around), *_sharing(around)]
    said_at_all = {says for says, _ in every}
    confirmed: dict[tuple[_Says, date], date | None] = {}
    for says, (first_seen, until) in every:
        is_about_them = says.account != says.other and (says.account in accounts or says.other in accounts)
        if is_about_them and _Says(says.other, says.account, says.kind) in said_at_all:
            before = confirmed.get((says, first_seen), first_seen)
            confirmed[says, first_seen] = None if until is None or before is None else max(before, until)
    return confirmed


def _naming(around: Sequence[Row]) -> Iterator[tuple[_Says, _Held]]:
    """Accounts that name an address of another account: its id, or one that the other account has as its own."""
    owned: dict[str, list[Row]] = defaultdict(list)
    for row in around:
        if row["kind"] == OWN:
            owned[row["value"]].append(row)
    for row in around:
        if row["kind"] in (REL_ME, PROFILE):
            yield _Says(row["account"], row["value"], row["kind"]), _Held(row["first_seen"], row["until"])
            for own in owned[row["value"]]:
                first_seen = max(row["first_seen"], own["first_seen"])
                ended = [each["until"] for each in (row, own) if each["until"] is not None]
                until = max(first_seen, min(ended)) if ended else None
                yield _Says(row["account"], own["account"], row["kind"]), _Held(first_seen, until)


def _sharing(around: Sequence[Row]) -> Iterator[tuple[_Says, _Held]]:
    """Accounts for which the same domain is verified, unless more than `max_accounts` have it: then it is nobody's own. And the
    two accounts that carry the code that was made for them."""
    holders: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in around:
        if row["kind"] in (DOMAIN, CODE):
            holders[row["kind"], row["value"]][row["account"]].append(row)
    most, keys = nights().max_accounts, suppression.keys(VARIABLE).values()
    for (kind, value), by_account in holders.items():
        for account, other in permutations(by_account, 2) if kind == CODE or len(by_account) <= most else ():
            if kind == DOMAIN or any(hmac.compare_digest(_code(key, account, other), value) for key in keys):
                for row in by_account[account]:
                    yield _Says(account, other, kind), _Held(row["first_seen"], row["until"])


def crowded_domains(warehouse: Warehouse) -> list[dict[str, Any]]:
    """The domains that link nobody, because more than `max_accounts` accounts have or had them: each `domain`, in order, with
    its `account_count`."""
    held = warehouse.read(CLAIMS, {"kind": DOMAIN}, columns=["value", "account"])
    counts = (
        held.group_by("value").aggregate([("account", "count_distinct")]).rename_columns(["domain", "account_count"])
    )
    return counts.filter(pc.field("account_count") > nights().max_accounts).sort_by("domain").to_pylist()


def _newest(warehouse: Warehouse, where: pc.Expression) -> list[dict[str, Any]]:
    """The newest row of each claim. `where` must select whole claims."""
    found = {}
    for row in warehouse.read(CLAIMS, where=where).sort_by("recorded_at").to_pylist():
        found[row["account"], row["place"], row["kind"], row["value"], row["first_seen"]] = row
    return list(found.values())


def _texts(texts: Iterable[str]) -> pa.Array:
    return pa.array(sorted(texts), pa.string())
