"""A till that has the holder type the PIN on the reader's own keys (PC/SC part 10), by pyscard."""

import sys

from smartcard.pcsc import PCSCPart10
from smartcard.System import readers
from smartcard.util import toBytes

SELECT = toBytes("00 A4 04 00 09 F0 54 49 4C 4C 43 41 52 44 00")
VERIFY = toBytes("1E 00 89 47 04 0C 04 02 01 09 04 00 00 00 00 0D 00 00 00") + toBytes(
    "00 20 00 80 08 20 FF FF FF FF FF FF FF"
)

connection = next(each for each in readers() if str(each) == sys.argv[1]).createConnection()
connection.connect()
connection.transmit(SELECT)
features = PCSCPart10.getFeatureRequest(connection)
code = PCSCPart10.hasFeature(features, PCSCPart10.FEATURE_VERIFY_PIN_DIRECT)
print("".join(f"{byte:02X}" for byte in connection.control(code, VERIFY)))
