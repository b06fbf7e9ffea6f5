"""The plugin, as a project that uses it has it; pyscard is the software under test."""

import pytest
from smartcard.Exceptions import CardConnectionException, NoCardException
from smartcard.System import readers
from smartcard.pcsc import PCSCPart10
from smartcard.util import toBytes

from tillcard_emu import EmulatorError

SELECT = toBytes("00 A4 04 00 09 F0 54 49 4C 4C 43 41 52 44 00")
TRIES = toBytes("00 20 00 80")


@pytest.fixture(scope="session")
def emulator_pin_pad():
    return True


def connect(reader):
    connection = next(each for each in readers() if str(each) == reader.name).createConnection()
    connection.connect()
    return connection


def tries(reader):
    connection = connect(reader)
    connection.transmit(SELECT)
    _, sw1, sw2 = connection.transmit(TRIES)
    connection.disconnect()
    return f"{sw1:02X}{sw2:02X}"


@pytest.mark.parametrize(
    "card, status", [("ok", "63C3"), ("last-try", "63C1"), ("pin-blocked", "6983")]
)
def test_a_card_is_what_its_name_says(reader, card, status):
    assert reader.insert(card).pin == "271828"
    assert tries(reader) == status


def test_who_waits_for_a_command_goes_on_when_the_card_got_it(reader):
    reader.insert("empty")
    reader.choose("ok")
    assert tries(reader) == "63C3"
    reader.wait_for("card", command="VERIFY")
    reader.remove()
    reader.wait_for("empty", commands=0)
    with pytest.raises(TimeoutError):
        reader.wait_for("card", timeout=0.01)


def test_each_test_begins_with_an_empty_reader(reader):
    assert reader.card is None
    with pytest.raises(NoCardException):
        connect(reader)


def test_a_removed_card_is_gone_at_once(reader):
    reader.insert("ok")
    connection = connect(reader)
    assert reader.remove() == "ok"
    with pytest.raises(CardConnectionException):
        connection.transmit(SELECT)
    assert reader.remove() is None


def test_power_is_cut_at_the_command_that_was_named(reader):
    reader.insert("ok")
    connection = connect(reader)
    reader.cut_power(at_apdu=2)
    connection.transmit(SELECT)
    with pytest.raises(CardConnectionException):
        connection.transmit(SELECT)


def test_an_answer_is_replaced_once_and_the_trace_says_so(reader):
    reader.insert("ok")
    connection = connect(reader)
    reader.fault({"answer": "6F00"}, command="SELECT", number=1)
    assert connection.transmit(SELECT)[1:] == (0x6F, 0x00)
    assert connection.transmit(SELECT)[1:] == (0x90, 0x00)
    commands = [entry for entry in reader.trace() if entry["event"] == "command"]
    assert [entry["name"] for entry in commands] == ["SELECT", "SELECT"]
    assert [entry["status"] for entry in commands] == ["6F00", "9000"]


def test_a_memory_is_saved_and_restored(reader):
    reader.insert("ok")
    reader.save("before")
    connection = connect(reader)
    connection.transmit(SELECT)
    connection.transmit(toBytes("00 20 00 80 08 24 99 99 FF FF FF FF FF"))
    connection.disconnect()
    assert tries(reader) == "63C2"
    reader.fork("before", "twin")
    reader.restore("before")
    assert tries(reader) == "63C3"
    reader.remove()
    reader.insert("twin")
    assert tries(reader) == "63C3"


def test_what_is_not_there_is_told_by_its_code(reader):
    for call, code in [
        (lambda: reader.insert("gold"), "no-such-test-card"),
        (lambda: reader.fault("melt"), "no-such-card"),
        (lambda: reader.save("x"), "no-such-card"),
    ]:
        with pytest.raises(EmulatorError) as error:
            call()
        assert error.value.code == code
    reader.insert("ok")
    with pytest.raises(EmulatorError) as error:
        reader.fault("melt")
    assert error.value.code == "request-body"


def test_all_named_cards_can_be_put_in(reader, emulator):
    for card in emulator.test_cards():
        reader.insert(card)
        assert reader.remove() == card


#: For the card's block of ISO 9564 format 2: 30 s, decimal digits from the second byte on, their number in four
#: bits before, 4 to 12 of them, ended by Enter; VERIFY with an empty block.
VERIFY = toBytes("1E 00 89 47 04 0C 04 02 01 09 04 00 00 00 00 0D 00 00 00") + toBytes(
    "00 20 00 80 08 20 FF FF FF FF FF FF FF"
)


def test_a_pin_is_typed_on_the_readers_pin_pad(reader):
    reader.insert("ok")
    connection = connect(reader)
    features = PCSCPart10.getFeatureRequest(connection)
    assert PCSCPart10.getPinProperties(connection, features)["EntryValidationCondition"] == 2
    properties = PCSCPart10.getTlvProperties(connection, features)
    assert properties["PCSCv2_PART10_PROPERTY_bMaxPINSize"] == 64
    connection.transmit(SELECT)
    code = PCSCPart10.hasFeature(features, PCSCPart10.FEATURE_VERIFY_PIN_DIRECT)
    reader.type_pin("999999")
    assert connection.control(code, VERIFY) == [0x63, 0xC2]
    reader.type_pin("271828")
    assert connection.control(code, VERIFY) == [0x90, 0x00]
    reader.press("cancel")
    assert connection.control(code, VERIFY) == [0x64, 0x01]
    assert "2627" not in str(reader.trace())
