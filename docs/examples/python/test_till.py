"""What a shop's program must say, card by card. Here it is `tillcard till pay`; yours takes its place."""
import os, subprocess, pytest

TILL = "tillcard till pay --amount 21000 --confirmations 0 --to bcrt1q29g4z52329g4z52329g4z52329g4z5237w8wct"
CARDS = {
    "ok": "settled", "pinless": "settled", "last-try": "settled", "slow": "settled",
    "torn-after-debit": "settled", "refuses-after-debit": "settled",
    "pin-blocked": "declined[pin-blocked]", "insufficient": "declined[card-insufficient-funds]",
    "over-limit": "declined[amount-over-limit]", "swept": "declined[coin-spent]",
    "counterfeit": "declined[certificate-forged]", "not-issued": "declined[card-not-issued]",
}

@pytest.fixture(scope="session")
def emulator_chain():
    return "embedded"

@pytest.mark.parametrize("card, told", CARDS.items())
def test_the_till_says_what_is_proven(reader, emulator, tmp_path, card, told):
    pin = reader.insert(card).pin
    env = {**os.environ, "TILLCARD_CHAIN": emulator.node.source, "XDG_DATA_HOME": str(tmp_path)}
    till = subprocess.run(TILL.split(), input=f"{pin}\n", env=env, text=True, capture_output=True)
    assert till.stdout.splitlines()[-1].startswith(told), till.stdout + till.stderr
