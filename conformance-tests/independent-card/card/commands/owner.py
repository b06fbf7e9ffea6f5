"""CHANGE OWNER KEY, SET POLICY, FACTORY RESET, TERMINATE, READ ACCOUNT (sections 5.4 to 5.7, 8.7)."""

from .. import secp256k1
from ..encoding import objects, tlv, u8
from ..hashes import tagged_hash
from ..memory import FACTORY, TERMINATED, Memory
from ..status import Refusal
from .call import Call, Command
from .issuing import is_policy, issue_record


def change_owner_key(card, call: Call) -> bytes:
    key, proof = objects(call.body(100), (0x80, 32), (0x81, 64))
    owned, challenge = call.require_owner(card)
    if not secp256k1.is_key(key):
        raise Refusal(0x6A80)
    message = u8(owned.network) + owned.account.card_id + card.session.name() + challenge + key
    if not secp256k1.verify(key, tagged_hash("Tillcard/owner-key", message), proof):
        raise Refusal(0x6982)
    owned.owner_key = key
    return b""


def set_policy(card, call: Call) -> bytes:
    (policy,) = objects(call.body(3), (0x86, 1))
    owned, _ = call.require_owner(card)
    if not is_policy(card, policy[0]):
        raise Refusal(0x6A80)
    owned.policy = policy[0]
    return b""


def factory_reset(card, call: Call) -> bytes:
    call.body(0)
    call.require_owner(card)
    card.end_authority()
    card.memory.owned, card.memory.state = None, FACTORY
    return b""


def terminate(card, call: Call) -> bytes:
    call.body(0)
    call.require_owner(card)
    card.end_authority()
    card.memory = Memory(state=TERMINATED)
    return b""


def read_account(card, call: Call) -> bytes:
    call.body(0)
    card.require_account_session()
    owned, _ = call.require_owner(card, names_card=False)
    return (
        issue_record(card, owned)
        + tlv(0x86, u8(owned.network))
        + tlv(0x87, u8(owned.provenance))
        + tlv(0x88, owned.owner_key)
        + tlv(0x89, owned.account.leaf)
    )


COMMANDS = {
    b"\x80\x4c": Command(change_owner_key),
    b"\x80\x52": Command(set_policy),
    b"\x80\x56": Command(factory_reset),
    b"\x00\xfe": Command(terminate),
    b"\x80\x50": Command(read_account),
}
