//! The way to the card: plain, or through a channel whose keys the fuzzer's client
//! has. Whatever goes through it, the card's answers verify, and counter and MAC
//! chaining value are the client's.

use super::apdu::{STATUS, canonical, closes, plain};
use super::breaking::{self, Break};
use super::status::is_listed;
use p256::SecretKey;
use std::sync::LazyLock;
use tillcard_protocol::command::{Point, Select};
use tillcard_protocol::session::Session;
use tillcard_testkit::card::{Reader, TestCard, send};
use tillcard_testkit::channel::{Client, open_apdu};
use tillcard_testkit::host::split;

/// The client's ephemeral keys.
static EPHEMERAL: LazyLock<[SecretKey; 4]> =
    LazyLock::new(|| [1, 2, 3, 4].map(|byte| SecretKey::from_slice(&[byte; 32]).expect("a key")));

/// Most plain data of a short protected command.
const SHORT_MAX: usize = 239;
/// How protected commands are written.
#[derive(Clone, Copy, Default)]
pub struct Form {
    /// With lengths of three bytes, also where one would do.
    pub extended: bool,
    /// With an empty data field padded and encrypted.
    pub pads_nothing: bool,
    /// Le of a short command: 0, or at least 8.
    pub le: u8,
}

/// A command and its answer, both without protection.
pub struct Exchange {
    pub command: Vec<u8>,
    pub answer: Vec<u8>,
    /// `61xx` when the answer isn't whole yet, and left out here.
    pub status: u16,
}

pub struct Link {
    pub card: TestCard,
    /// The card's agreement key, as the host knows it.
    pub agreement_key: Point,
    pub form: Form,
    client: Option<Client>,
    /// The command whose answer is being given, and what came of it.
    command: Vec<u8>,
    given: Vec<u8>,
    is_protected: bool,
    /// The last protected command, as it was sent.
    sent: Vec<u8>,
}

impl Link {
    pub fn new(card: TestCard, agreement_key: Point) -> Self {
        Self {
            card,
            agreement_key,
            form: Form::default(),
            client: None,
            command: Vec::new(),
            given: Vec::new(),
            is_protected: false,
            sent: Vec::new(),
        }
    }

    pub fn is_open(&self) -> bool {
        self.client.is_some()
    }

    /// What signatures are bound to.
    pub fn session(&self) -> Session {
        self.client
            .as_ref()
            .map_or(Session::Plain, |client| Session::Channel(client.receipt))
    }

    /// Takes the power away and gives it back.
    pub fn reset(&mut self) {
        self.card.reset();
        self.client = None;
        self.is_protected = false;
    }

    /// Opens a channel; the byte at a place of the command is another. True if it is
    /// open then; what was before has ended in any case.
    pub fn open(&mut self, key: u8, at: u8, with: u8) -> bool {
        let ephemeral = &EPHEMERAL[usize::from(key) % EPHEMERAL.len()];
        let mut apdu = open_apdu(ephemeral);
        // Its data field, behind the header and Lc, and before Le.
        let data = 5 + usize::from(at) % (apdu.len() - 6);
        apdu[data] ^= with;
        self.client = None;
        self.is_protected = false;
        let (answer, status) = send(&mut self.card, &apdu);
        assert!(is_listed(status));
        if status != 0x9000 {
            assert!(matches!(status, 0x6A80 | 0x6985), "{status:04X}");
            return false;
        }
        assert_eq!(with, 0, "an altered key is none");
        let client = Client::agreed(ephemeral, &self.agreement_key, &answer);
        self.client = Some(client.expect("the receipt is right"));
        self.sent.clear();
        true
    }

    /// One command and its whole answer. In a channel it is protected, and must be one
    /// that can be.
    pub fn send(&mut self, apdu: &[u8]) -> Exchange {
        let mut exchange = self.begin(apdu);
        while exchange.status >> 8 == 0x61 {
            let given = self.given.len();
            exchange = self.next(exchange.status as u8);
            let whole = exchange.status == 0x9000;
            assert!(whole || self.given.len() > given, "an answer has an end");
        }
        exchange
    }

    /// One command, what is left of its answer left to [`Self::next`].
    pub fn begin(&mut self, apdu: &[u8]) -> Exchange {
        if self.is_open() {
            let (header, data) = plain(apdu).expect("a command to protect");
            return self.protected(header, data);
        }
        self.command = apdu.to_vec();
        self.is_protected = false;
        let sent = self.transmit(apdu);
        self.is_begun(sent)
    }

    /// A command of any instruction, protected. In a channel only.
    pub fn protected(&mut self, header: [u8; 4], data: &[u8]) -> Exchange {
        self.command = canonical(header, data);
        self.is_protected = true;
        let apdu = self.protect(header, data);
        let sent = self.transmit(&apdu);
        self.sent = apdu;
        self.is_begun(sent)
    }

    /// GET RESPONSE.
    pub fn next(&mut self, le: u8) -> Exchange {
        let sent = self.transmit(&[0x00, 0xC0, 0x00, 0x00, le]);
        self.is_given(sent)
    }

    fn is_begun(&mut self, sent: (Vec<u8>, u16)) -> Exchange {
        self.given.clear();
        self.is_given(sent)
    }

    /// Takes a part of an answer in; with the last, takes the protection off.
    fn is_given(&mut self, (part, status): (Vec<u8>, u16)) -> Exchange {
        self.given.extend(part);
        let answer = match status {
            0x6100..=0x61FF => Vec::new(),
            _ => {
                let whole = std::mem::take(&mut self.given);
                let client = self.client.as_ref().filter(|_| self.is_protected);
                self.is_protected = false;
                match client {
                    Some(client) => client
                        .unprotect(&whole, status)
                        .expect("the answer is the channel's"),
                    None => whole,
                }
            }
        };
        Exchange {
            command: self.command.clone(),
            answer,
            status,
        }
    }

    fn protect(&mut self, header: [u8; 4], data: &[u8]) -> Vec<u8> {
        let form = self.form;
        let extended = form.extended || data.len() > SHORT_MAX;
        let client = self.client.as_mut().expect("a channel");
        let mut apdu = if data.is_empty() && form.pads_nothing {
            let encrypted = breaking::encrypt_block(client, breaking::PADDING);
            client.counter += 1;
            client.authenticate(header, &encrypted, extended)
        } else {
            client.protect_as(header, data, extended)
        };
        if !extended && let Some(le) = apdu.last_mut() {
            *le = form.le;
        }
        apdu
    }

    /// A command as it stands, past the channel, and its whole answer; true if that
    /// closed one.
    pub fn bare(&mut self, apdu: &[u8]) -> (Exchange, bool) {
        let client = self.client.take();
        let exchange = self.send(apdu);
        let Some(client) = client else {
            return (exchange, false);
        };
        let closes = closes(apdu, exchange.status);
        if closes {
            self.assert_closed(client);
        } else {
            self.client = Some(client);
        }
        (exchange, closes)
    }

    /// Breaks an open channel with a command that would be done if it came rightly:
    /// it isn't, and the channel is closed.
    pub fn broken(&mut self, way: Break, apdu: &[u8], at: u8) {
        let sent = self.sent.clone();
        if at.is_multiple_of(2) {
            // Not always, since a command ends what is under way.
            self.assert_open();
        }
        let client = self.client.take().expect("a channel");
        let (header, data) = plain(apdu).unwrap_or((STATUS, &[]));
        let attack = way.command(&mut client.clone(), &sent, header, data, at);
        let before = self.card.nvm().as_bytes().to_vec();
        let answered = send(&mut self.card, &attack);
        assert_eq!(answered, (Vec::new(), 0x6982), "{way:?}: {attack:02X?}");
        assert!(
            before == self.card.nvm().as_bytes(),
            "{way:?} had an effect"
        );
        self.is_protected = false;
        self.assert_closed(client);
    }

    /// If the client has a channel, the card has it too, and is where the client is.
    pub fn assert_open(&mut self) {
        if self.is_open() {
            let answered = self.send(&canonical(STATUS, &[]));
            assert_eq!(answered.status, 0x9000, "the channel is open");
        }
    }

    /// The next command of a channel that was closed finds none.
    fn assert_closed(&mut self, mut client: Client) {
        let late = client.protect(STATUS, &[]);
        assert_eq!(send(&mut self.card, &late), (Vec::new(), 0x6982));
    }

    /// SELECT, which ends whatever there is.
    pub fn select(&mut self) -> Exchange {
        self.bare(Select::to_apdu().as_bytes()).0
    }

    fn transmit(&mut self, apdu: &[u8]) -> (Vec<u8>, u16) {
        let response = Reader::transmit(&mut self.card, apdu);
        let (data, status) = split(&response);
        let status = u16::from_be_bytes(status);
        assert!(is_listed(status), "{status:04X} to {apdu:02X?}");
        // The memory does what it is asked to.
        assert_ne!(status, 0x6581, "{apdu:02X?}");
        let is_warning = self.is_protected && status >> 4 == 0x63C;
        let may_answer = status == 0x9000 || status >> 8 == 0x61 || is_warning;
        assert!(data.is_empty() || may_answer);
        (data.to_vec(), status)
    }
}
