"""Examples 13.1 to 13.3 and 13.15: the client makes, issues and personalises the text's cards."""

import unittest

from tests.examples import ACCOUNT, CHAIN_CODE, NO_LEAF, OWNER, ExampleTest
from tillcard import account, constants as C, crypto, identity, limits, personalisation, pin
from tillcard.integers import uint
from tillcard.scripts import leaf

PRIMARY = bytes.fromhex("22" * 32)
SHARE = bytes.fromhex("33" * 32)
ACCOUNT_SECRET = bytes.fromhex("9043214D33A3C162A9A825D26B2A1C381455A72306ED17857F55EA65B7DD20DA")
POLICY = bytes.fromhex("03")
LIMITS = {
    "per payment": 100_000,
    "cumulative": 300_000,
    "payments": 20,
    "fee cap": 5_000,
    "least fee rate": 1_000,
    "highest fee rate": 50_000,
    "least coin": 1_000,
    "highest sum": 0,
    "highest number": 0,
}


def wishes(chosen: bytes) -> account.Record:
    return {
        "network": C.REGTEST,
        "owner key": crypto.public_key(OWNER),
        "leaf": chosen,
        "PIN block": pin.block("271828"),
        "limits": limits.encode(LIMITS),
        "policy": POLICY,
    }


class Issuing(ExampleTest):
    def test_factory(self):
        card, _ = self.play("A card in the factory state", select=True)
        self.assertEqual(card.status(), {"state": C.FACTORY})
        capabilities = card.capabilities()
        self.assertEqual(uint(capabilities["capabilities"]), card.features)
        self.assertEqual(capabilities["version"], card.version)
        self.assertTrue(card.can(C.CAP_CHANNEL) and card.can(C.CAP_STATEMENTS))

    def test_made_key(self):
        card, _ = self.play("Issuing with a made key")
        account.issue_made(card, SHARE, wishes(leaf(C.LEAF_KEY, 0, crypto.public_key(PRIMARY))))

    def test_imported_key(self):
        card, _ = self.play("Issuing with an imported key", select=True)
        record = account.issue_imported(card, ACCOUNT_SECRET, CHAIN_CODE, wishes(NO_LEAF))
        self.assertEqual(account.account_of(record, NO_LEAF), ACCOUNT)

    def test_personalisation(self):
        card, _ = self.play("What the manufacturer does", select=True)
        keys = personalisation.generate_keys(card)
        # The numbers drawn are the keys.
        drawn = [crypto.p256_secret(bytes([number] * 32)) for number in (1, 2)]
        self.assertEqual(list(keys.values()), [crypto.compressed(secret.public_key()) for secret in drawn])
        batch, of_identity, of_agreement = map(bytes.fromhex, ["30010B", "30011D", "30012A"])
        personalisation.store(card, batch, of_identity, of_agreement)
        personalisation.end(card)
        self.assertEqual(identity.certificates(card, C.AGREEMENT_KEY), [batch, of_agreement])


if __name__ == "__main__":
    unittest.main()
