"""The statement: that the card signs nothing else for a payment's coins."""

from . import constants as C
from . import crypto, tlv
from .card import Card
from .errors import demand
from .fields import split
from .integers import u8
from .transaction import Output

Statement = dict[str, bytes]


def statement(card: Card, txid: bytes, identity_key: bytes, random=crypto.random) -> Statement:
    """Asks for a statement on the payment just made, and checks its signature."""
    nonce = random(C.NONCE_LENGTH)
    data = tlv.encode(C.STATEMENT_DATA, {"nonce": nonce, "txid": txid})
    answer = tlv.decode(C.STATEMENT_ANSWER, card.command(C.STATEMENT, data))
    count = len(answer["outpoints"]) // C.OUTPOINT_LENGTH
    demand(len(answer["output keys"]) == count * C.X_ONLY_LENGTH, "not one output key for each outpoint")
    message = card.version + card.session + nonce + txid + answer["network"] + answer["provenance"] + answer["leaf"]
    message += u8(count) + answer["outpoints"] + answer["output keys"] + answer["salt"]
    digest = crypto.tagged_hash(C.STATEMENT_TAG, message)
    demand(crypto.verify_p256(identity_key, digest, answer["signature"]), "the statement's signature is wrong")
    return answer


def check_coins(stated: Statement, outpoints: list[bytes], coins: dict[bytes, Output]) -> None:
    """That the statement is on these coins, as the chain has them."""
    demand(split(stated["outpoints"], C.OUTPOINT_LENGTH) == outpoints, "the statement is on other coins")
    keys = [coins[outpoint].script.removeprefix(C.OUTPUT_SCRIPT) for outpoint in outpoints]
    demand(split(stated["output keys"], C.X_ONLY_LENGTH) == keys, "the statement is on other output keys")
