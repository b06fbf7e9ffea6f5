"""The statement: that the card signs nothing else for a payment's coins."""

from . import constants as C
from . import crypto, tlv
from .card import Card
from .errors import demand


def statement(card: Card, txid: bytes, identity_key: bytes) -> dict[str, bytes]:
    """Asks for a statement on the payment just made, and checks its signature."""
    nonce = crypto.random(C.TXID_LENGTH)
    data = tlv.encode(C.STATEMENT_DATA, {"nonce": nonce, "txid": txid})
    answer = tlv.decode(C.STATEMENT_ANSWER, card.command(C.STATEMENT, data))
    count = len(answer["outpoints"]) // C.OUTPOINT_LENGTH
    demand(len(answer["output keys"]) == count * C.X_ONLY_LENGTH, "not one output key for each outpoint")
    message = card.version + card.session + nonce + txid + answer["network"] + answer["provenance"] + answer["leaf"]
    message += count.to_bytes(1, "big") + answer["outpoints"] + answer["output keys"] + answer["salt"]
    digest = crypto.tagged_hash(C.STATEMENT_TAG, message)
    demand(crypto.verify_p256(identity_key, digest, answer["signature"]), "the statement's signature is wrong")
    return answer
