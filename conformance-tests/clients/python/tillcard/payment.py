"""Payments: the request, and what the card answers to it."""

from typing import NamedTuple

from . import constants as C
from . import crypto, tlv
from .card import Card
from .errors import demand
from .fields import split
from .integers import u32, u64, uint
from .transaction import Output, Transaction


class Request(NamedTuple):
    amount: int
    fee_rate: int
    payee: bytes
    identity: bytes
    source: bytes = C.ROOTED
    merchant: str = ""
    invoice: bytes = b""

    def encode(self) -> bytes:
        return tlv.encode(C.REQUEST, {
            "amount": u64(self.amount),
            "fee rate": u32(self.fee_rate),
            "payee script": self.payee,
            "source": self.source,
            "payment identity": self.identity,
            "merchant": self.merchant.encode(),
            "invoice hash": self.invoice,
        })


class Offer(NamedTuple):
    amount: int
    fee: int
    change: int
    outpoints: list[bytes]


def preview(card: Card, request: Request) -> Offer:
    answer = tlv.decode(C.PREVIEW_ANSWER, card.command(C.PREVIEW, request.encode()))
    numbers = (uint(answer[name]) for name in ("amount", "fee", "change"))
    return Offer(*numbers, split(answer["outpoints"], C.OUTPOINT_LENGTH))


def pay(card: Card, request: Request) -> Transaction:
    return Transaction.decode(card.command(C.PAY, request.encode()))


def fee(inputs: int, payee: bytes, change: bool, rate: int) -> int:
    """The fee in satoshi, by the text's formula."""
    weight = C.WEIGHT_BASE + C.WEIGHT_INPUT * inputs + C.WEIGHT_BYTE * (C.WEIGHT_OUTPUT + len(payee))
    size = ceil(weight + C.WEIGHT_CHANGE * change, C.WEIGHT_PER_VSIZE)
    return ceil(size * rate, C.FEE_RATE_UNIT)


def check_offer(offer: Offer, request: Request) -> None:
    demand(offer.amount == request.amount, "the preview has another amount")
    demand(1 <= len(offer.outpoints) <= C.MOST_INPUTS, "the preview has too few or too many coins")
    least, full = (fee(len(offer.outpoints), request.payee, change, request.fee_rate) for change in (False, True))
    if offer.change:
        demand(offer.change >= C.LEAST_CHANGE, "the change is too small")
        demand(offer.fee == full, "the fee isn't the formula's")
    else:
        # What is too little for change goes to the fee.
        demand(least <= offer.fee < full + C.LEAST_CHANGE, "the fee isn't the formula's")


def check_payment(tx: Transaction, request: Request, offer: Offer, coins: dict[bytes, Output]) -> Output | None:
    """Checks the whole transaction; the change, if there is one, whose script is the owner's to check."""
    demand((tx.version, tx.lock_time) == (C.TX_VERSION, C.TX_LOCK_TIME), "wrong version or lock time")
    demand([each.outpoint for each in tx.inputs] == offer.outpoints, "other inputs than the preview's")
    demand(all(each.sequence == C.TX_SEQUENCE and each.script == b"" for each in tx.inputs), "a wrong input")
    payee = Output(request.amount, request.payee)
    demand(payee in tx.outputs, "the payee isn't paid")
    others = list(tx.outputs)
    others.remove(payee)
    demand([each.amount for each in others] == ([offer.change] if offer.change else []), "a wrong change")
    demand(tx.outputs == sorted(tx.outputs), "the outputs aren't in BIP69's order")
    check_signatures(tx, [coins[each.outpoint] for each in tx.inputs])
    spent = sum(coins[each.outpoint].amount for each in tx.inputs)
    demand(spent - sum(each.amount for each in tx.outputs) == offer.fee, "another fee than the preview's")
    return others[0] if others else None


def check_signatures(tx: Transaction, spent: list[Output]) -> None:
    """Each input's signature, under the output key of the coin that it spends (BIP341)."""
    for number, (each, coin) in enumerate(zip(tx.inputs, spent, strict=True)):
        demand(coin.script.startswith(C.OUTPUT_SCRIPT), "a coin with another script than the card's")
        demand(len(each.witness) == 1, "a witness that isn't one signature")
        key = coin.script.removeprefix(C.OUTPUT_SCRIPT)
        signed = crypto.verify(key, tx.digest(number, spent), each.witness[0])
        demand(signed, f"the signature of input {number} is wrong")


def ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)
