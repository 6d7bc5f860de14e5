"""Who is who in a thread. Nobody is called a third person on a guess: only by the record, by the caller, or by a name
that is a relation (妈妈, 公司前台)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harassclf.timeline.contacts import Contact, is_third_party_name
from harassclf.timeline.words import COLLECTOR, DEBTOR, GUARANTOR, IN, THIRD_PARTY, fold, role_of, words

_TITLES = re.compile(r"(?:先生|女士|小姐|同学|本人)$")
# In a group, whose members are not all collectors.
_COLLECTOR_NAME = re.compile(
    r"催|贷|清收|客服|经理|专员|法务|律师|金融|银行|collector|agent|lender|bank", re.IGNORECASE
)
# As a sender the debtor's relation is no collector, but 公司 or 单位 may well be one.
_ORGANISATION = re.compile(
    r"公司|单位|老板|领导|主管|上司|人事|前台|联系人|朋友|hr|boss|employer|manager|friend|contact", re.IGNORECASE
)
_NUMBER = re.compile(r"\+?\d[\d\s\-]{4,}\d")
OWN_PHONE, THE_DEBTOR = "本机", "债务人"


@dataclass(frozen=True, slots=True)
class Parties:
    """What the caller knows: names or numbers of debtors, guarantors (co-borrowers among them) and collectors, and the
    role of the person whose telephone holds the thread (``owner_role``; unknown when empty)."""

    debtors: tuple[str, ...] = ()
    guarantors: tuple[str, ...] = ()
    collectors: tuple[str, ...] = ()
    owner_role: str = ""


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
    """Usable contacts in the order of time. ``speaks_of_collection`` are the rows whose text was judged harassment or
    collection: in a group it is their writers who are the collectors, not every member."""
    usable = [contact for contact in contacts if not contact.error]
    collectors = _known_collectors(usable, parties, frozenset(speaks_of_collection))
    placed = [_place(contact, parties, collectors) for contact in usable]
    return sorted(placed, key=lambda p: (p.instant, p.contact.row))


def _known_collectors(contacts: list[Contact], parties: Parties, speaking: frozenset[int]) -> frozenset[str]:
    found = {key for name in parties.collectors for key in _keys(name)}
    if not found:
        for contact in contacts:
            pressing = contact.row in speaking or bool(_COLLECTOR_NAME.search(contact.sender))
            if contact.direction == IN and (pressing or not contact.group):
                found |= _keys(contact.sender)
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


def group_key(name: str) -> str:
    """The key of a group as the one that is reached."""
    return f"群：{name.strip() or '未注明'}"


def _from_collector(contact: Contact, parties: Parties, collectors: frozenset[str]) -> bool:
    if contact.direction != IN:
        return False
    if contact.sender_role:
        return contact.sender_role == COLLECTOR
    keys = _keys(contact.sender)
    if keys & {key for name in (*parties.debtors, *parties.guarantors) for key in _keys(name)}:
        return False
    if parties.collectors or contact.group:
        return bool(keys & collectors) or (not keys and not parties.collectors)
    return not is_third_party_name(contact.sender) or bool(_ORGANISATION.search(contact.sender))


def _role(name: str, parties: Parties) -> str:
    if is_own(name):
        return parties.owner_role
    for names, role in ((parties.debtors, DEBTOR), (parties.guarantors, GUARANTOR)):
        if any(_keys(name) & _keys(known) for known in names):
            return role
    written = role_of(name)
    if written in (DEBTOR, GUARANTOR):
        return written
    return THIRD_PARTY if parties.debtors or is_third_party_name(name) else ""


def _group_role(name: str, parties: Parties) -> str:
    """A group has readers besides the debtor, unless its name says that it was made for the debt."""
    if words().patterns["debtor_group_names"].search(name):
        return ""
    return "" if any(_keys(name) & _keys(known) for known in parties.debtors) else THIRD_PARTY


def is_own(name: str) -> bool:
    """Whether a name is blank or means the owner of the telephone."""
    return not name.strip() or fold(name) in words().own


def _person(name: str, role: str, parties: Parties) -> str:
    if role == DEBTOR or (is_own(name) and not parties.owner_role):
        return THE_DEBTOR if role == DEBTOR or parties.debtors else OWN_PHONE
    return OWN_PHONE if is_own(name) else (min(_keys(name)) if _keys(name) else name.strip())


def _number(name: str, person: str, parties: Parties) -> str:
    """The number that was called; a debtor with one known number was called there."""
    if found := _NUMBER.search(name):
        return _digits(found.group())
    known = {_digits(number) for debtor in parties.debtors for number in _NUMBER.findall(debtor)}
    return known.pop() if person == THE_DEBTOR and len(known) == 1 else person


def _keys(name: str) -> frozenset[str]:
    """The name and the number that a cell holds, comparable: 张三（138 0000 1111） is both."""
    numbers = {_digits(found) for found in _NUMBER.findall(name)}
    rest = _TITLES.sub("", fold(_NUMBER.sub("", name)).strip("()[]<>:·,/"))
    return frozenset(numbers | ({rest} if rest else set()))


def _digits(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    return digits[-11:] if re.fullmatch(r"(?:00)?86(1\d{10})", digits) else digits
