"""Issuing a card, and the issue record."""

from . import constants as C
from . import crypto, tlv
from . import secp256k1 as curve
from .card import Card
from .errors import demand
from .integers import uint
from .owner import Owner
from .scripts import Account

Record = dict[str, bytes]


def issue_made(card: Card, h: bytes, wishes: Record) -> Record:
    """Issues with a key that card and host make together; the checked record."""
    share = tlv.decode(C.GENERATE_SHARE, tlv.unwrap(C.GENERATE_TEMPLATE, card.command(C.GENERATE)))["C"]
    record = _issue(card, C.ISSUE_MADE, tlv.encode(C.ISSUE_MADE_DATA, wishes | {"h": h}))
    host_share = curve.multiply(uint(h))
    demand(curve.decode(record["P"]) == curve.add(curve.decode(share), host_share), "P isn't C + h·G")
    chain_code = crypto.tagged_hash(C.CHAIN_CODE_TAG, share + h)
    demand(record["chain code"] == chain_code, "another chain code than C and h make")
    check_record(card, record | _known(wishes) | {"provenance": C.MADE})
    return record


def issue_imported(card: Card, secret: bytes, chain_code: bytes, wishes: Record) -> Record:
    """Issues with a key that the host gives; the checked record."""
    imported = {"private key `a` ‖ chain code": secret + chain_code}
    record = _issue(card, C.ISSUE_IMPORTED, tlv.encode(C.ISSUE_IMPORTED_DATA, wishes | imported))
    key = curve.encode(curve.multiply(uint(secret)))
    demand((record["P"], record["chain code"]) == (key, chain_code), "another account than the imported one")
    check_record(card, record | _known(wishes) | {"provenance": C.IMPORTED})
    return record


def read_account(owner: Owner) -> Record:
    """What ISSUE answered and what it set; the owner needs no card id, and signs without one."""
    record = tlv.decode(C.READ_ACCOUNT_ANSWER, owner.without_card_id().command(C.READ_ACCOUNT))
    check_record(owner.card, record)
    return record


def check_record(card: Card, record: Record) -> None:
    """The signature of an issue record, by the identity key in it."""
    facts = ["network", "provenance", "P", "chain code", "owner key", "leaf", "agreement key", "salt"]
    digest = crypto.tagged_hash(C.ISSUE_TAG, card.version + b"".join(record[fact] for fact in facts))
    signed = crypto.verify_p256(record["identity key"], digest, record["signature"])
    demand(signed, "the issue record's signature is wrong")


def account_of(record: Record, leaf: bytes) -> Account:
    return Account(record["P"], record["chain code"], leaf)


def _issue(card: Card, header: bytes, data: bytes) -> Record:
    return tlv.decode(C.ISSUE_ANSWER, card.command(header, data))


def _known(wishes: Record) -> Record:
    return {name: wishes[name] for name in ("network", "owner key", "leaf")}
