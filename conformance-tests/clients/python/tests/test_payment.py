"""What a till takes for a good offer, and what not."""

import unittest

from tillcard import payment
from tillcard.errors import Failure

REQUEST = payment.Request(25_000, 2_000, bytes.fromhex("0014" + "44" * 20), bytes(16))
COIN = bytes(36)


class Offers(unittest.TestCase):
    def check(self, **changes) -> None:
        offer = payment.Offer(amount=25_000, fee=284, change=1_000, outpoints=[COIN])
        payment.check_offer(offer._replace(**changes), REQUEST)

    def test_good(self):
        self.check()
        self.check(change=330)
        self.check(change=0, fee=198)
        self.check(change=0, fee=284 + 329)

    def test_bad(self):
        for changes in [
            {"amount": 25_001},
            {"fee": 283},
            {"fee": 285},
            {"change": 329},
            {"change": 0, "fee": 197},
            {"change": 0, "fee": 284 + 330},
            {"outpoints": []},
            {"outpoints": [COIN] * 2},
            {"outpoints": [COIN] * 17},
        ]:
            with self.subTest(changes), self.assertRaises(Failure):
                self.check(**changes)


if __name__ == "__main__":
    unittest.main()
