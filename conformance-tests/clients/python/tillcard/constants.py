"""Every constant of the protocol that the client uses, in the text's words: section, then the value between « and »."""

from .notation import byte, fields, header, number, objects, octets, rows, statuses, word

# Conventions
MAJOR = number("", "Version 0.4 (major «0», minor 4)")
MINOR = number("", "Version 0.4 (major 0, minor «4»)")
U8_LENGTH = number("1", "are unsigned integers of «1», 2, 4, 8 bytes")
U16_LENGTH = number("1", "are unsigned integers of 1, «2», 4, 8 bytes")
U32_LENGTH = number("1", "are unsigned integers of 1, 2, «4», 8 bytes")
U64_LENGTH = number("1", "are unsigned integers of 1, 2, 4, «8» bytes")
TXID_LENGTH = number("1", "A *txid* is «32» bytes")
POINT_LENGTH = number("1", "A *point* is «33» bytes, compressed (SEC 1)")
X_ONLY_LENGTH = number("1", "An *x-only key* is «32» bytes (BIP340)")
PLACE_CHAIN_BIT = number("1", "bit «31» is the chain (0 receive, 1 change)")
RECEIVE = number("1", "(«0» receive, 1 change)")
CHANGE = number("1", "(0 receive, «1» change)")
LONG_TAGS = [
    octets("1", "save `«7F49»`, `5F49` and `BF21`"),
    octets("1", "save `7F49`, `«5F49»` and `BF21`"),
    octets("1", "save `7F49`, `5F49` and `«BF21»`"),
]
SHORT_LENGTHS = number("1", "one byte below «128», else `81 xx`, else `82 xx xx`")
LONG_LENGTHS = {1: octets("1", "else `«81» xx`, else `82 xx xx`"), 2: octets("1", "else `81 xx`, else `«82» xx xx`")}

# Framing
GET_RESPONSE = octets("2.2", "the rest by GET RESPONSE (`«00 C0 00 00» Le`)")
MORE = octets("2.2", "the first Le bytes with `«61»xx`")
SHORT_LE = number("2.2", "(«256» at most with a short Le; 0 when Le is absent)")
DONE = octets("9", "| `«9000»` | done |")

# SELECT
AID = octets("2.3", "AID: `«F0 54 49 4C 4C 43 41 52 44»`")
SELECT = header("2.3", "SELECT – `«00 A4 04 P2»`", P2=octets("2.3", "| P2 | `«00»`: answer the FCI template;"))
FCI = octets("2.3", "| answer | `«6F» { 84 09 AID, A5 {")
FCI_AID = octets("2.3", "`6F { «84» 09 AID, A5 {")
FCI_PROPRIETARY = octets("2.3", "`6F { 84 09 AID, «A5» {")
FCI_CARD = objects("2.3", "A5 { «80 02 version, 81 04 capabilities» } }`")
CAP_CHANNEL = number("2.3", "| «7» | secure channel and genuineness")
CAP_STATEMENTS = number("2.3", "| «9» | statements (section 7.8)")

# GET DATA
STATUS = header("2.4", "GET DATA – `«00 CA P1 P2»`", **{"P1 P2": octets("2.4", "| `«0100»` status |")})
STATUS_STATE = objects("2.4", "`«80 01 state»` (`00` factory,")
STATUS_ISSUED = objects("2.4", "when issued: «`81 01 network` ‖ `82 01 PIN tries left` ‖ `83 01 policy`» (section 5.5)")
FACTORY = octets("2.4", "(`«00»` factory, `01` issued")
ISSUED = octets("2.4", "(`00` factory, `«01»` issued")
CAPABILITIES = header("2.4", "GET DATA – `«00 CA P1 P2»`", **{"P1 P2": octets("2.4", "| `«0101»` capabilities |")})
CAPABILITIES_ANSWER = objects(
    "2.4",
    "`«80 02 version ‖ 81 04 capabilities ‖ 82 01 most inputs of a payment ‖ 83 02 coins the card can hold ‖ "
    "84 01 PIN tries ‖ 85 01 payments the log can hold ‖ 86 01 unrooted coins the card can hold ‖ "
    "87 01 most inputs, 88 01 most outputs of the owner's signing»`",
)
MAINNET = octets("2.4", "Networks: `«00»` mainnet")
REGTEST = octets("2.4", "`«03»` regtest")

# Opening a channel
OPEN_CHANNEL = octets("2.6", "INTERNAL AUTHENTICATE – `«80 88 01 13»`")
CHANNEL_PARAMETERS = octets("2.6", "`«A6 0D { 90 02 11 00, 95 01 3C, 80 01 88, 81 01 10 }» ‖ 5F49 41 ePK.OCE`")
EPHEMERAL_CLIENT = objects("2.6", "81 01 10 } ‖ «5F49 41 ePK.OCE»`")
EPHEMERAL_CARD = objects("2.6", "`«5F49 41 ePK.SD» ‖ 86 10 receipt`")
RECEIPT = objects("2.6", "`5F49 41 ePK.SD ‖ «86 10 receipt»`")
SHARED_INFO = octets("2.6", "SHA256(Z ‖ 00000001 ‖ «3C 88 10»)")
DERIVED_LENGTH = number("2.6", "whose first «80» bytes are, 16 each: receipt key")
KEY_LENGTH = number("2.6", "whose first 80 bytes are, «16» each: receipt key")

# Protected commands
PROTECTED_CLASS = {
    octets("2.7", "class `04` in the place of `«00»`"): octets("2.7", "class `«04»` in the place of `00`"),
    octets("2.7", "`84` in the place of `«80»`"): octets("2.7", "`«84»` in the place of `80`"),
}
FIRST_COUNTER = number("2.7", "which is «1» for the first protected command")
COUNTER_LENGTH = number("2.7", "There is a counter, of «16» bytes")
PADDING = octets("2.7", "is padded with `«80»` and as many `00`")
PADDING_FILL = octets("2.7", "is padded with `80` and as many `«00»`")
BLOCK = number("2.7", "a multiple of «16» bytes, and encrypted by AES-CBC")
MAC_LENGTH = number("2.7", "Lc counts the «eight» bytes to come")
MOST_SHORT_DATA = number("2.7", "A command of up to «239» bytes of plain data fits into a short APDU")

# Issuing
CHAIN_CODE_TAG = word("3", 'its chain code `TH("«Tillcard/chaincode»", C ‖ h)`')
GENERATE = octets("3.1", "of the account – `«00 46 00 00»`")
GENERATE_TEMPLATE = octets("3.1", "Answer: `«7F49» 23 { 86 21 C }`")
GENERATE_SHARE = objects("3.1", "Answer: `7F49 23 { «86 21 C» }`")
ISSUE_MADE = header("3.2", "ISSUE – `«80 10 P1 00»`", P1=octets("3.2", "P1 `«00»`: the account key is made"))
ISSUE_IMPORTED = header("3.2", "ISSUE – `«80 10 P1 00»`", P1=octets("3.2", "P1 `«01»`: it is imported"))
_ISSUE_NETWORK = rows("3.2", "| `80` | 1 | network |")
_ISSUE_REST = rows(
    "3.2",
    "| `82` | 32 | «owner key», x-only |",
    "| `83` | 35 | «leaf»: kind ‖ n `u16` ‖ PRIMARY, x-only |",
    "| `84` | 8 | «PIN block» (section 4) |",
    "| `85` | 48 | «limits» (section 7.1) |",
    "| `86` | 1 | «policy» (section 5.5) |",
)
ISSUE_MADE_DATA = (
    _ISSUE_NETWORK + rows("3.2", "| `81` | 32 | made: host share `«h»`, as a number below `n` |") + _ISSUE_REST
)
ISSUE_IMPORTED_DATA = (
    _ISSUE_NETWORK + rows("3.2", "| `81` | 64 | imported: «private key `a` ‖ chain code» |") + _ISSUE_REST
)
LEAF_NONE = octets("3.2", "| `«00»` | 0 | 32 zero bytes |")
LEAF_KEY = octets("3.2", "| `«01»` | 0 | a key |")
LEAF_KEY_LATER = octets("3.2", "| `«02»` | 1–65535 | a key |")
ISSUE_ANSWER = objects(
    "3.2",
    "`«80 21 P ‖ 81 20 chain code ‖ 82 21 identity key ‖ 83 21 agreement key ‖ 84 10 salt ‖ 85 40 signature»`",
)
ISSUE_TAG = word("3.2", '`TH("«Tillcard/issue»", version (2) ‖ network ‖ provenance')
MADE = octets("3.2", "with provenance `«00»` made, `01` imported")
IMPORTED = octets("3.2", "with provenance `00` made, `«01»` imported")
CARD_ID_TAG = word("3.2", '`TH("«Tillcard/card-id»", P ‖ chain code)`')
CARD_ID_LENGTH = number("3.2", "The card id is the first «16» bytes")

# Scripts
TWEAK_TAG = word("3.3", '`Q = K + TH("«TapTweak»", x(K) ‖ r)·G`')
LEAF_TAG = word("3.3", '`r = TH("«TapLeaf»", C0 ‖ length ‖ leaf script)`')
LEAF_VERSION = octets("3.3", 'TH("TapLeaf", «C0» ‖ length')
OUTPUT_SCRIPT = octets("3.3", "the script is `«51 20» x(Q)`")
LEAF_PUSH_KEY = octets("3.3", "The leaf script is `«20» PRIMARY AC`")
LEAF_CHECKSIG = octets("3.3", "The leaf script is `20 PRIMARY «AC»`")
LEAF_CHECKSIGVERIFY = octets("3.3", "`20 PRIMARY «AD» push(n) B2`")
LEAF_OLDER = octets("3.3", "`20 PRIMARY AD push(n) «B2»`")
PUSH_SMALL = byte("3.3", "`push(n)` being `«50» + n` for n up to 16")
MOST_PUSH_SMALL = number("3.3", "`50 + n` for n up to «16»")

# Personalisation
GENERATE_OWN = octets("3.6", "of the card's own keys, `«00 46 00 01»`")
OWN_KEYS = objects("3.6", "Answer: `«80 21 identity key ‖ 81 21 agreement key»`")
PUT_DATA = header("3.6", "PUT DATA, `«00 DA 02» P2`")
MOST_PIECE = number("3.6", "a piece of a certificate, 1 to «239» bytes")
OF_BATCH = byte("3.6", "P2 is `«00»`–`03` for the batch's certificate")
LAST_OF_BATCH = byte("3.6", "P2 is `00`–`«03»` for the batch's certificate")
OF_IDENTITY_KEY = byte("3.6", "`«10»`–`13` for the identity key's")
OF_AGREEMENT_KEY = byte("3.6", "`«20»`–`23` for the agreement key's")
END_PERSONALISATION = header("3.6", "PUT DATA, `«00 DA 02 P2»`", P2=octets("3.6", "P2 `«FF»`, data absent, ends the personalisation"))

# Certificates and genuineness
CERTIFICATES = octets("3.7", "GET DATA `«00 CA BF 21»`")
CERTIFICATE_OF = octets("3.7", "`«A6 04 { 83 02» key identifier ‖ key version number }`")
AGREEMENT_KEY = octets("3.7", "`«13 01»` for the agreement key")
IDENTITY_KEY = octets("3.7", "`«40 01»` for the identity key")
ROOT_PATH_LENGTH = number("3.7", "a self-signed certificate (CA, path length «1»")
BATCH_PATH_LENGTH = number("3.7", "(CA, path length «0», key usage keyCertSign and cRLSign)")
TEST_ROOT_TAG = word("3.7", '`TH("«Tillcard/test-root»", "")`')
GENUINE = octets("3.8", "INTERNAL AUTHENTICATE – `«00 88 00 00»`")
GENUINE_CHALLENGE = number("3.8", "a challenge of «32» bytes")
GENUINE_ANSWER = objects("3.8", "Answer: `«80 10 salt ‖ 81 40 signature»`")
GENUINE_TAG = word("3.8", '`TH("«Tillcard/genuine»", version (2) ‖ session ‖ challenge ‖ salt)`')
SESSION_CHANNEL = octets("3.8", "where `session` is `«10» ‖ receipt` inside a channel")
SESSION_PLAIN = octets("3.8", "and the byte `«00»` in a plain session")

# PIN
LEAST_PIN = number("4", "The PIN has «4» to 12 decimal digits")
MOST_PIN = number("4", "The PIN has 4 to «12» decimal digits")
PIN_BLOCK_LENGTH = number("4", "ISO 9564-1 format 2, «eight» bytes")
PIN_BLOCK_FORMAT = word("4", "`«2»L` with L the number of digits")
PIN_BLOCK_FILL = word("4", "the digits as nibbles, `«F»` to the end")
VERIFY = octets("4.1", "VERIFY – `«00 20 00 80»`")
WRONG_PIN = word("4.1", "use up a try and answer `«63C»x`")

# Owner
GET_CHALLENGE = octets("5.1", "GET CHALLENGE – `«00 84 00 00»`")
CHALLENGE_LENGTH = number("5.1", "Answer: «16» random bytes, the challenge")
OWNER_SIGNATURE = objects("5.2", "is `body ‖ «9E 40 signature»`")
OWNER_TAG = word("5.2", '`TH("«Tillcard/owner»", network ‖ card id ‖ session ‖ challenge ‖ CLA INS P1 P2 ‖ body)`')
UNKNOWN_CARD_ID_LENGTH = number("5.2", "«sixteen» bytes `00` stand for the card id")
UNKNOWN_CARD_ID_BYTE = octets("5.2", "sixteen bytes `«00»` stand for the card id")
NEW_PIN = header("5.3", "RESET RETRY COUNTER – `«00 2C P1 80»`", P1=octets("5.3", "P1 `«02»`, body `84 08"))
NEW_PIN_BODY = objects("5.3", "body `«84 08 PIN block»`: a new PIN")
CHANGE_OWNER_KEY = octets("5.4", "CHANGE OWNER KEY – `«80 4C 00 00»`")
CHANGE_OWNER_KEY_BODY = objects("5.4", "Body `«80 20 new owner key ‖ 81 40 proof»`")
OWNER_KEY_TAG = word("5.4", '`TH("«Tillcard/owner-key»", network ‖ card id ‖ session ‖ challenge ‖ new owner key)`')
POLICY_STATEMENTS = number("5.5", "bit «1» allows statements (section 7.8)")
FACTORY_RESET = octets("5.6", "FACTORY RESET – `«80 56 00 00»`")

# Coins
RECEIVE_SCRIPT = octets("6.1", "RECEIVE SCRIPT – `«80 20 00 00»`")
RECEIVE_SCRIPT_ANSWER = objects("6.1", "Answer: `«80 04 index ‖ 81 22 script»`")
ENTER_COIN = header("6.2", "ENTER COIN – `«80 22 P1 00»`", P1=octets("6.2", "First P1 `«00»`, an owner command"))
ENTER_COIN_BODY = objects("6.2", "`«80 20 txid ‖ 81 04 vout ‖ 82 04 place»`")
ENTER_PIECE = header("6.2", "ENTER COIN – `«80 22 P1 00»`", P1=octets("6.2", "Then P1 `«01»`, any number of times"))
ENTER_ANSWER = objects("6.2", "is answered `«80 08 amount»`")
READ_COINS = header("6.4", "READ COINS – `«80 48 P1 00»`", P1=octets("6.4", "P1 `«00»`, an owner command"))
READ_MORE_COINS = header("6.4", "READ COINS – `«80 48 P1 00»`", P1=octets("6.4", "P1 `«01»`, without data"))
IMAGE_VERSION = byte("6.4", "| 1 | image version, `«01»` |")
IMAGE_HEAD = fields(
    "6.4",
    "| 1 | «image version», `01` |",
    "| 4 · 2 | «next receive index, next change index», `u32` |",
    "| 8 | «debited» since the limits were set, sat, `u64` |",
    "| 2 · 2 | «payments, payments without PIN» since then, `u16` |",
    "| 4 · 3 | log: «first kept, first not acknowledged, next sequence number», `u32` |",
    "| 2 | «number of coins», `u16` |",
)
IMAGE_TAIL = fields("6.4", "| 4 | «CRC-32» (ISO/IEC 3309, as in zlib) of all bytes before, `u32` |")
VARINT_BASE = number("6.4", "N is a number in base «128»")
COIN_INDEX = number("6.4", "zigzag(index − expected) · «16» + chain")
COIN_CHAIN = number("6.4", "+ chain · «8» +")
COIN_SPENT = number("6.4", "+ spent · «4» +")
COIN_DOUBTFUL = number("6.4", "+ doubtful · «2» + unrooted")

# Paying
LIMITS = fields(
    "7.1",
    "| 8 | «per payment»: highest amount of a payment, sat |",
    "| 8 | «cumulative»: highest sum of amounts and fees of all payments, sat |",
    "| 2 | «payments»: highest number of payments |",
    "| 8 | «fee cap»: highest fee of a payment, sat |",
    "| 4 | «least fee rate», sat/kvB |",
    "| 4 | «highest fee rate», sat/kvB |",
    "| 4 | «least coin»: smallest amount of a coin that enters, sat |",
    "| 8 | without PIN: «highest sum» of amount and fee of such a payment, sat; 0 when there are none |",
    "| 2 | without PIN: «highest number» of such payments |",
)
REQUEST = rows(
    "7.2",
    "| `80` | 8 | «amount» to the payee, sat |",
    "| `81` | 4 | «fee rate», sat/kvB |",
    "| `82` | 22–42 | «payee script» (scriptPubKey) |",
    "| `83` | 1 | «source»: `00` rooted coins, `01` unrooted coins |",
    "| `84` | 16 | «payment identity», random, chosen by the till for this payment |",
    "| `85` | 0–32 | «merchant», as claimed by the terminal: UTF-8 |",
    "| `86` | 0 or 32 | «invoice hash», as claimed by the terminal |",
)
ROOTED = octets("7.2", "source: `«00»` rooted coins")
IDENTITY_LENGTH = number("7.2", "| `84` | «16» | payment identity")
PREVIEW = octets("7.3", "PREVIEW – `«80 32 00 00»`")
PAY = header("7.3", "PAY – `«80 30 P1 00»`", P1=octets("7.3", "PAY, P1 `«00»`, answers the complete signed transaction"))
PREVIEW_ANSWER = objects("7.3", "`«80 08 amount ‖ 81 08 fee ‖ 82 08 change ‖ 83 L outpoints»`")
OUTPOINT_LENGTH = number("7.3", "outpoints are txid ‖ vout (`u32`, big-endian), «36» bytes each")
WEIGHT_BASE = number("7.4", "`weight = «42» + 230·k + 4·(9 + p) + 172·c`")
WEIGHT_INPUT = number("7.4", "`weight = 42 + «230»·k + 4·(9 + p) + 172·c`")
WEIGHT_BYTE = number("7.4", "`weight = 42 + 230·k + «4»·(9 + p) + 172·c`")
WEIGHT_OUTPUT = number("7.4", "`weight = 42 + 230·k + 4·(«9» + p) + 172·c`")
WEIGHT_CHANGE = number("7.4", "`weight = 42 + 230·k + 4·(9 + p) + «172»·c`")
WEIGHT_PER_VSIZE = number("7.4", "`v = ceil(weight / «4»)`")
FEE_RATE_UNIT = number("7.4", "`fee = ceil(v · rate / «1000»)`")
MOST_INPUTS = number("7.4", "k is the smallest number, at most «16»,")
LEAST_CHANGE = number("7.4", "If `rest ≥ «330»`, change is `rest`")
TX_VERSION = number("7.4", "The transaction MUST have version «2», lock time 0")
TX_LOCK_TIME = number("7.4", "The transaction MUST have version 2, lock time «0»")
TX_SEQUENCE = int.from_bytes(octets("7.4", "each with sequence `«FFFFFFFD»`"), "big")
SIGNATURE_LENGTH = number("7.4", "a witness of one «64»-byte signature")

# Statement
STATEMENT = octets("7.8", "STATEMENT – `«80 54 00 00»`")
NONCE_LENGTH = byte("7.8", "`80 «20» nonce ‖ 81 20 txid`")
STATEMENT_DATA = objects("7.8", "`«80 20 nonce ‖ 81 20 txid»`")
STATEMENT_ANSWER = rows(
    "7.8",
    "| `80` | 1 | network |",
    "| `81` | 1 | «provenance»: `00` made, `01` imported |",
    "| `82` | 3 | «leaf»: kind ‖ n `u16` (section 3.2) |",
    "| `83` | 36·k | «outpoints» spent, in the order of the inputs, of which there are k |",
    "| `84` | 32·k | their «output keys», x-only |",
    "| `85` | 16 | «salt»: random bytes of the card |",
    "| `86` | 64 | signature |",
)
STATEMENT_TAG = word("7.8", '`TH("«Tillcard/statement»", version (2) ‖ session ‖ nonce ‖ txid')

# Log
READ_LOG = octets("8.1", "READ LOG – `«80 42 00 00»`")
READ_LOG_BODY = objects("8.1", "Body `«80 04 sequence number»`")
LOG_ENTRY = rows(
    "8.1",
    "| `80` | 4 | sequence number |",
    "| `81` | 1 | «state»: `00` standing, `01` cancelled |",
    "| `82` | 32 | txid |",
    "| `83` | 22–34 | payee script |",
    "| `84` | 8 | «amount», sat |",
    "| `85` | 8 | «fee», sat |",
    "| `86` | 8 | «change», sat |",
    "| `87` | 4 | «fee rate» of the request, sat/kvB |",
    "| `88` | 1 | «authority»: `00` PIN, `01` none |",
    "| `89` | 16 | payment identity |",
    "| `8A` | 0–32 | «merchant», **claimed by the terminal** |",
    "| `8B` | 0 or 32 | «invoice hash», **claimed by the terminal** |",
    "| `8C` | 36·k | «outpoints» spent, k inputs |",
    "| `8D` | 2 | «transaction given again» by section 7.7; by section 7.5: `u8` each, 255 for more |",
)
STANDING = octets("8.1", "state: `«00»` standing")
BY_PIN = octets("8.1", "authority: `«00»` PIN")
ACKNOWLEDGE_LOG = octets("8.2", "ACKNOWLEDGE LOG – `«80 44 00 00»`")
ACKNOWLEDGE_LOG_BODY = objects("8.2", "Body `«80 04 seen ‖ 81 04 settled»`")

# Owner's signing
SIGN = header("8.4", "SIGN – `«80 40 P1 P2»`", P1=octets("8.4", "P1 `«00»`, an owner command"), P2=octets("8.4", "P2 is `«00»` with P1 `00` and `01`"))
SIGN_BODY = objects("8.4", "`«80 04 version ‖ 81 04 lock time ‖ 82 01 inputs ‖ 83 01 outputs ‖ 84 20 digest»`")
SIGN_STREAM = header("8.4", "SIGN – `«80 40 P1 P2»`", P1=octets("8.4", "Then P1 `«01»`, in pieces"), P2=octets("8.4", "P2 is `«00»` with P1 `00` and `01`"))
SIGN_FOREIGN = octets("8.4", "`«FFFFFFFF»` ‖ length `u8` (1–252) ‖ script")
SIGN_ANSWER = objects("8.4", "`«80 08 sum of inputs ‖ 81 08 sum of own outputs ‖ 82 08 sum of other outputs ‖ 83 08 fee»`")
SIGN_SIGNATURE = header("8.4", "SIGN – `«80 40 P1» P2`", P1=octets("8.4", "Then P1 `«02»`, P2 the number of an input"))

# Limits and account
READ_LIMITS = octets("8.6", "READ LIMITS – `«80 4E 00 00»`")
READ_LIMITS_ANSWER = objects("8.6", "Answer `«85 30 limits ‖ 86 01 policy»`")
READ_ACCOUNT = octets("8.7", "READ ACCOUNT – `«80 50 00 00»`")
READ_ACCOUNT_ANSWER = objects(
    "8.7",
    "`«80 21 P ‖ 81 20 chain code ‖ 82 21 identity key ‖ 83 21 agreement key ‖ 84 10 salt ‖ 85 40 signature ‖ "
    "86 01 network ‖ 87 01 provenance ‖ 88 20 owner key ‖ 89 23 leaf»`",
)

# Status words
NO_AUTHORITY = octets("9", "| `«6982»` | security status not satisfied")
NOT_FOUND = octets("9", "| `«6A88»` | data object, key, payment not found |")
WRONG_PIN_MEANING = word("9", "| `63Cx` | «PIN not verified; x tries left» |")
MEANINGS = statuses(
    "9",
    "| `6400` | execution error (the random source or a self-check failed); nothing persistent changed, but that inputs may be pledged (section 7.8) |",
    "| `6581` | memory failure: the NVM couldn't be read or written, doesn't read as it was written, or is damaged |",
    "| `6700` | wrong length |",
    "| `6881` | logical channel not supported |",
    "| `6882` | secure messaging of this kind not supported |",
    "| `6884` | command chaining not supported |",
    "| `6982` | security status not satisfied: no authority, or no channel |",
    "| `6983` | PIN blocked |",
    "| `6985` | conditions of use not satisfied: not in this state |",
    "| `6A80` | data field can't be decoded, or holds an impossible value |",
    "| `6A82` | application not found |",
    "| `6A84` | no room left |",
    "| `6A86` | incorrect P1-P2 |",
    "| `6A88` | data object, key, payment not found |",
    "| `6A89` | coin already in the card |",
    "| `6D00` | instruction not supported |",
    "| `6E00` | class not supported |",
    "| `9401` | insufficient funds |",
    "| `9402` | too fragmented |",
    "| `9403` | over the per-payment limit |",
    "| `9404` | over the cumulative limit |",
    "| `9405` | fee rate outside its bounds |",
    "| `9406` | fee over the cap |",
    "| `9407` | amount is dust or impossible |",
    "| `9408` | payee script not permitted |",
    "| `9409` | log full |",
    "| `940A` | coin refused: other txid; SIGN: other digest |",
    "| `940B` | coin refused: no such output |",
    "| `940C` | coin refused: other script |",
    "| `940D` | coin refused: amount too small |",
    "| `940E` | coin refused: coinbase |",
    "| `940F` | coin refused: index retired |",
    "| `9410` | coin refused: index not given out |",
    "| `9411` | number of payments reached |",
    "| `9412` | payment identity in use |",
    "| `9413` | payment given too often, or cancelled |",
    "| `9414` | coin not offered |",
    "| `9415` | too many reports |",
    "| `9416` | input pledged by a statement |",
    "| `9417` | no statement on a payment that the owner has signed against, or that is cancelled |",
)
