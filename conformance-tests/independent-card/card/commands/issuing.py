"""GENERATE ASYMMETRIC KEY PAIR and ISSUE (sections 3.1 and 3.2)."""

from .. import account, capabilities, p256, secp256k1
from ..account import Account
from ..encoding import number, objects, require_length, tlv, u8
from ..memory import ISSUED, Owned
from ..rules import Limits, is_pin_block
from ..status import Refusal
from .call import Call, Command
from .certificates import draw_own_keys, generate_own_keys, sign_as_card

NETWORKS = 4


def generate(card, call: Call) -> bytes:
    require_length(call.data, 0)
    if call.p2 == 1:
        return generate_own_keys(card)
    card.require_factory()
    share = card.random.draw_key(secp256k1.ORDER)
    card.session.share = share
    return tlv(0x7F49, tlv(0x86, secp256k1.compressed(secp256k1.multiply_g(share))))


def issue(card, call: Call) -> bytes:
    imported = call.p1 == 1
    require_length(call.data, 203 if imported else 171)
    network, key, owner_key, leaf, pin, limits, policy = objects(
        call.data, (0x80, 1), (0x81, 64 if imported else 32), (0x82, 32), (0x83, 35), (0x84, 8), (0x85, 48), (0x86, 1)
    )
    card.require_factory()
    share, card.session.share = card.session.share, None
    if not imported and share is None:
        raise Refusal(0x6985)
    secret, limits = number(key[:32]), Limits.parse(limits)
    possible = (
        network[0] < NETWORKS
        and secret < secp256k1.ORDER
        and (secret or not imported)
        and secp256k1.is_key(owner_key)
        and is_leaf(leaf, imported and card.declares(capabilities.IMPORTED))
        and is_pin_block(pin)
        and is_policy(card, policy[0])
    )
    if not possible:
        raise Refusal(0x6A80)
    require_limits(card, limits)
    secret, chain_code = (secret, key[32:]) if imported else account.made(share, key)
    if not secret:
        raise Refusal(0x6A80)
    owned = Owned(
        Account(secret, chain_code, leaf), network[0], int(imported), owner_key, pin, limits, policy[0]
    )
    memory = card.memory
    own_keys = (memory.identity_key, memory.agreement_key)
    if memory.identity_key is None:
        own_keys = draw_own_keys(card)
    before = (memory.identity_key, memory.agreement_key)
    memory.identity_key, memory.agreement_key = own_keys
    try:
        record = issue_record(card, owned)
    except Refusal:
        memory.identity_key, memory.agreement_key = before
        raise
    memory.owned, memory.state = owned, ISSUED
    return record


def issue_record(card, owned: Owned) -> bytes:
    """What the card believes, signed."""
    salt = card.random.draw(16)
    agreement = p256.compressed(card.memory.agreement_key)
    facts = owned.account.public_key + owned.account.chain_code + owned.owner_key + owned.account.leaf
    message = u8(owned.network) + u8(owned.provenance) + facts + agreement + salt
    return (
        tlv(0x80, owned.account.public_key)
        + tlv(0x81, owned.account.chain_code)
        + tlv(0x82, p256.compressed(card.memory.identity_key))
        + tlv(0x83, agreement)
        + tlv(0x84, salt)
        + tlv(0x85, sign_as_card(card, "Tillcard/issue", message))
    )


def is_leaf(leaf: bytes, may_be_none: bool) -> bool:
    kind, blocks, primary = leaf[0], number(leaf[1:3]), leaf[3:]
    if kind == 0:
        return may_be_none and not any(leaf)
    return secp256k1.is_key(primary) and ((kind == 1 and not blocks) or (kind == 2 and blocks > 0))


def is_policy(card, policy: int) -> bool:
    named = policy <= 3
    without_channel = not card.declares(capabilities.CHANNEL) and not policy & 1
    without_statements = not card.declares(capabilities.STATEMENTS) and policy & 2
    return named and not without_channel and not without_statements


def require_limits(card, limits: Limits) -> None:
    limits.require_permitted()
    if not card.declares(capabilities.WITHOUT_PIN) and (limits.without_pin or limits.payments_without_pin):
        raise Refusal(0x6A80)


COMMANDS = {
    b"\x00\x46": Command(generate, (0,), (0, 1), p2_needs=((1, capabilities.CHANNEL),)),
    b"\x80\x10": Command(issue, (0, 1), (0,), p1_needs=((1, capabilities.IMPORTED),)),
}
