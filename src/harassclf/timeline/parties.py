"""Who is who in a thread. Nobody is called a third person on a guess: only by the record, by the caller, or by a name
that is a relation (妈妈, 公司前台)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harassclf.timeline.contacts import Contact, is_third_party_name
from harassclf.timeline.names import NUMBER, name_keys, number_key
from harassclf.timeline.words import COLLECTOR, DEBTOR, GUARANTOR, IN, THIRD_PARTY, fold, role_of, words

# In a group, whose members are not all collectors.
_COLLECTOR_NAME = re.compile(
    r"催|贷|清收|客服|经理|专员|法务|律师|金融|银行|collector|agent|lender|bank", re.IGNORECASE
)
# As a sender the debtor's relation is no collector, but 公司 or 单位 may well be one.
_ORGANISATION = re.compile(
    r"公司|单位|老板|领导|主管|上司|人事|前台|联系人|朋友|hr|boss|employer|manager|friend|contact", re.IGNORECASE
)
OWN_PHONE, THE_DEBTOR = "本机", "债务人"


@dataclass(frozen=True, slots=True)
class Parties:
    """What the caller knows: names or numbers of debtors, guarantors (co-borrowers among them) and collectors, and the
    role of the person whose telephone holds the thread (``owner_role``; unknown when empty)."""

    debtors: tuple[str, ...] = ()
    guarantors: tuple[str, ...] = ()
    collectors: tuple[str, ...] = ()
    owner_role: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """All names and numbers that the caller gave."""
        return (*self.debtors, *self.guarantors, *self.collectors)


@dataclass(frozen=True, slots=True)
class Placed:
    """A usable contact with the persons in it. ``person`` is a key: who was reached, or who wrote; ``number`` is the
    number or account dialled; ``from_collector`` whether the collector's side started it."""

    contact: Contact
    role: str
    person: str
    number: str
    from_collector: bool

    @property
    def instant(self) -> float:
        """Seconds since 1970. Local times must not be compared: the clock goes back once a year."""
        assert self.contact.time is not None  # only usable contacts are placed
        return self.contact.time.timestamp()


def place(contacts: Iterable[Contact], parties: Parties, speaks_of_collection: Iterable[int]) -> list[Placed]:
    """Usable contacts that count, in the order of time. ``speaks_of_collection`` are the rows whose text was judged harassment or
    collection: in a group it is their writers who are the collectors, not every member."""
    usable = [contact for contact in contacts if not contact.error and not contact.aside]
    collectors = _known_collectors(usable, parties, frozenset(speaks_of_collection))
    placed = [_place(contact, parties, collectors) for contact in usable]
    return sorted(placed, key=lambda p: (p.instant, p.contact.row))


def _known_collectors(contacts: list[Contact], parties: Parties, speaking: frozenset[int]) -> frozenset[str]:
    found = {key for name in parties.collectors for key in name_keys(name)}
    if not found:
        for contact in contacts:
            pressing = contact.row in speaking or bool(_COLLECTOR_NAME.search(contact.sender))
            if contact.direction == IN and (pressing or not contact.group):
                found |= name_keys(contact.sender)
    return frozenset(found)


def _place(contact: Contact, parties: Parties, collectors: frozenset[str]) -> Placed:
    """Who was reached, or, when it was not the collector who wrote, who wrote."""
    reaching = _from_collector(contact, parties, collectors)
    name, role = (contact.recipient, contact.recipient_role) if reaching else (contact.sender, contact.sender_role)
    if reaching and contact.group:
        return Placed(contact, role or _group_role(name, parties), group_key(name), group_key(name), reaching)
    role = role or _role(name, parties)
    person = _person(name, role, parties)
    return Placed(contact, role, person, _number(name, person, parties), reaching)


def absent(contacts: Iterable[Contact], parties: Parties) -> list[str]:
    """The names and numbers of the caller that no row has as its sender or recipient."""
    there = {key for contact in contacts for cell in (contact.sender, contact.recipient) for key in name_keys(cell)}
    return [name for name in dict.fromkeys(parties.named) if not name_keys(name) & there]


def unowned_senders(placed: Iterable[Placed], parties: Parties) -> list[str]:
    """Two or more writers who were all taken for the other side, though one of them may own the record: nobody is 我,
    no row says who wrote to whom, and the caller named nobody. Empty when that is not so."""
    placed = list(placed)
    if parties.named or parties.owner_role or any(p.contact.direction != IN for p in placed):
        return []
    taken = [p.contact for p in placed if p.from_collector and p.contact.assumed and not p.contact.group]
    senders = {min(name_keys(c.sender)): c.sender for c in taken if c.text.strip() and name_keys(c.sender)}
    return list(senders.values()) if len(senders) > 1 else []


def group_key(name: str) -> str:
    """The key of a group as the one that is reached."""
    return f"群：{name.strip() or '未注明'}"


def _from_collector(contact: Contact, parties: Parties, collectors: frozenset[str]) -> bool:
    if contact.direction != IN:
        return False
    if contact.sender_role:
        return contact.sender_role == COLLECTOR
    keys = name_keys(contact.sender)
    if keys & {key for name in (*parties.debtors, *parties.guarantors) for key in name_keys(name)}:
        return False
    if parties.collectors or contact.group:
        return bool(keys & collectors) or (not keys and not parties.collectors)
    return not is_third_party_name(contact.sender) or bool(_ORGANISATION.search(contact.sender))


def _role(name: str, parties: Parties) -> str:
    if is_own(name):
        return parties.owner_role
    for names, role in ((parties.debtors, DEBTOR), (parties.guarantors, GUARANTOR)):
        if any(name_keys(name) & name_keys(known) for known in names):
            return role
    written = role_of(name)
    if written in (DEBTOR, GUARANTOR):
        return written
    return THIRD_PARTY if parties.debtors or is_third_party_name(name) else ""


def _group_role(name: str, parties: Parties) -> str:
    """A group has readers besides the debtor, unless its name says that it was made for the debt."""
    if words().patterns["debtor_group_names"].search(name):
        return ""
    return "" if any(name_keys(name) & name_keys(known) for known in parties.debtors) else THIRD_PARTY


def is_own(name: str) -> bool:
    """Whether a name is blank or means the owner of the telephone."""
    return not name.strip() or fold(name) in words().own


def _person(name: str, role: str, parties: Parties) -> str:
    if role == DEBTOR or (is_own(name) and not parties.owner_role):
        return THE_DEBTOR if role == DEBTOR or parties.debtors else OWN_PHONE
    return OWN_PHONE if is_own(name) else (min(name_keys(name)) if name_keys(name) else name.strip())


def _number(name: str, person: str, parties: Parties) -> str:
    """The number that was called; a debtor with one known number was called there."""
    if found := NUMBER.search(name):
        return number_key(found.group())
    known = {number_key(number) for debtor in parties.debtors for number in NUMBER.findall(debtor)}
    return known.pop() if person == THE_DEBTOR and len(known) == 1 else person
