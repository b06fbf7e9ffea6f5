"""What the card of the story has to know, by what happened to it."""

from tillcard import constants as C
from tillcard.errors import demand
from tillcard.fields import split
from tillcard.image import Coin, Image
from tillcard.integers import uint
from tillcard.payment import Offer, Request, check_payment
from tillcard.scripts import Account, place
from tillcard.transaction import Input, Output, Transaction


class Ledger:
    """One coin that entered at receive index 0, and payments, each of which spends the one coin that there is."""

    def __init__(self, account: Account):
        self.account = account
        self.chain: dict[bytes, Output] = {}
        self.payments: list[tuple[Request, Offer, Transaction]] = []

    def entered(self, tx: Transaction) -> None:
        for vout, output in enumerate(tx.outputs):
            self.chain[Input(tx.txid, vout, 0).outpoint] = output

    def paid(self, request: Request, offer: Offer, tx: Transaction) -> None:
        """Checks the payment's transaction to the last byte, and writes it down."""
        change = check_payment(tx, request, offer, self.chain)
        own = self.account.script(place(C.CHANGE, len(self.payments)))
        demand(change is not None and change.script == own, "the change goes to another script than the account's")
        self.payments.append((request, offer, tx))
        self.entered(tx)

    def check_log_entry(self, number: int, entry: dict[str, bytes], given_again: int) -> None:
        request, offer, tx = self.payments[number]
        expected = {
            "state": C.STANDING,
            "authority": C.BY_PIN,
            "txid": tx.txid,
            "payee script": request.payee,
            "payment identity": request.identity,
            "merchant": request.merchant.encode(),
            "invoice hash": request.invoice,
        }
        for name, value in expected.items():
            demand(entry[name] == value, f"the log has {name} {entry[name].hex()}, not {value.hex()}")
        amounts = {"amount": offer.amount, "fee": offer.fee, "change": offer.change, "fee rate": request.fee_rate}
        for name, value in amounts.items():
            demand(uint(entry[name]) == value, f"the log has {name} {uint(entry[name])}, not {value}")
        demand(split(entry["outpoints"], C.OUTPOINT_LENGTH) == offer.outpoints, "the log has other coins")
        counted = list(entry["transaction given again"])
        demand(counted == [given_again, 0], f"the log counts {counted} times that the payment was given again")

    def check_image(self, image: Image, kept_from: int, acknowledged: int) -> None:
        expected = {
            "image version": C.IMAGE_VERSION,
            "next receive index": 1,
            "next change index": len(self.payments),
            "debited": sum(offer.amount + offer.fee for _, offer, _ in self.payments),
            "payments": len(self.payments),
            "payments without PIN": 0,
            "first kept": kept_from,
            "first not acknowledged": acknowledged,
            "next sequence number": len(self.payments),
            "number of coins": len(self.payments) + 1 - kept_from,
        }
        for name, value in expected.items():
            demand(image.counters[name] == value, f"the image has {name} {image.counters[name]}, not {value}")
        demand(sorted(image.coins) == sorted(self._coins()[kept_from:]), "the image has other coins")

    def _coins(self) -> list[Coin]:
        places = [place(C.RECEIVE, 0)] + [place(C.CHANGE, number) for number in range(len(self.payments))]
        coins = []
        for number, where in enumerate(places):
            script = self.account.script(where)
            outpoint, output = next((key, value) for key, value in self.chain.items() if value.script == script)
            txid, vout = outpoint[:C.TXID_LENGTH], uint(outpoint[C.TXID_LENGTH:])
            spent_by = number if number < len(self.payments) else None
            coins.append(Coin(txid, vout, output.amount, where, spent_by, doubtful=False, unrooted=False))
        return coins
