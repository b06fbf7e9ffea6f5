"""The private chain that the emulator brings along, with the program `tillcard`."""

import pytest

from tillcard_emu import Emulator, EmulatorError


@pytest.fixture(scope="module")
def chained():
    with Emulator(chain="embedded") as running:
        yield running


@pytest.fixture
def unsent(chained):
    """A payment that no shop has sent, of a card whose coins are on the chain."""
    chained.discard_all()
    yield chained.reader.insert("phantom-change").payments[0]
    chained.discard_all()


def test_the_cards_coins_are_on_it(chained):
    coin = chained.reader.insert("ok").coins[0]
    txid, vout = coin["outpoint"].split(":")
    output = chained.node.ask("gettxout", txid, int(vout))
    assert round(output["value"] * 100_000_000) == coin["amount"]
    chained.discard_all()


def test_a_payment_is_mined_leaves_the_chain_and_is_forgotten(chained, unsent):
    node = chained.node
    txid = node.ask("sendrawtransaction", unsent)
    mined = node.mine(2)
    assert node.ask("getrawmempool") == []
    assert node.reorganise(2) == mined
    assert node.ask("getrawmempool") == [txid]
    assert node.evict(txid) == [txid]
    assert node.ask("getrawmempool") == []


def test_the_node_refuses_and_falls_behind_when_told_to(chained, unsent):
    node = chained.node
    node.switch(refuse={"code": -26, "message": "mempool full"}, behind=3)
    with pytest.raises(EmulatorError) as refused:
        node.ask("sendrawtransaction", unsent)
    assert (refused.value.code, str(refused.value)) == ("-26", "-26: mempool full")
    assert node.ask("getblockchaininfo")["initialblockdownload"]
    node.switch()
    node.ask("sendrawtransaction", unsent)
    assert not node.ask("getblockchaininfo")["initialblockdownload"]


def test_without_a_chain_there_is_no_node():
    with Emulator() as emulator:
        assert emulator.node is None
    with pytest.raises(EmulatorError, match="ended at once"):
        Emulator(chain="core:nowhere").close()
