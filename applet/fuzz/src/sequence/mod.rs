//! Sessions with an issued and funded card. The input is a list of steps, each
//! its length in a byte, a byte that says what it is (see [`step`]), and operands.
//!
//! Whatever the steps are: no panic; no status word that the protocol doesn't
//! list; tries rise by the right PIN only; no signature without what must be
//! persistent before it, and none against a statement; in plain sessions nothing that
//! the policy keeps for channels. A channel's answers verify, and nothing that isn't
//! the client's next command is done in it or leaves it open.

mod checks;
mod done;
mod owner;
mod paying;
mod session;
mod watch;

pub use done::{Closing, Deed, Outcome};

use super::breaking::Break;
use super::bytes::Bytes;
use super::link::{Form, Link};
use super::step;
use paying::Request;
use tillcard_protocol::command::{
    CardKey, CardKeys, EnterCoin, GenerateKey, GetChallenge, GetData, Outpoint, Place, Policy,
    ProveGenuine, ReadCoins, ReceiveScript, ReportAbsent, Verify,
};
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::host::{self, FIRST, HOST, POLICY};

/// Longest run: what a longer input adds is done by a shorter one.
const MAX_STEPS: usize = 48;

/// A run, from an issued and funded card that pays in plain sessions too.
pub fn run(input: &[u8]) -> Outcome {
    Run::new(HOST.funded.clone(), POLICY).steps(input)
}

/// A run from a channel with a card that pays in channels only.
pub fn run_in_channel(input: &[u8]) -> Outcome {
    let policy = Policy {
        plain_sessions: false,
        ..POLICY
    };
    let mut run = Run::new(HOST.in_channels.clone(), policy);
    assert!(run.link.open(0, 0, 0));
    run.steps(input)
}

/// Where the card stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Issued,
    Factory,
    Terminated,
}

struct Run {
    link: Link,
    life: Life,
    /// [`FIRST`] or another of the host's; `None` when bytes of the fuzzer issued it.
    account: Option<usize>,
    card_keys: CardKeys,
    pin: [u8; 8],
    tries: u8,
    policy: Policy,
    previewed: Option<Request>,
    last_request: Option<Request>,
    offered: Vec<Outpoint>,
    /// Payments of this account.
    txids: Vec<[u8; 32]>,
    /// The last challenge.
    challenge: Option<Vec<u8>>,
    /// What the owner's signing that was begun last spends.
    signing: Vec<(Outpoint, Place)>,
    /// What his signatures spend.
    contested: Vec<Outpoint>,
    /// The places of statements.
    pledged: Vec<Place>,
    last_apdu: Vec<u8>,
    outcome: Outcome,
}

impl Run {
    fn new(nvm: RamNvm, policy: Policy) -> Self {
        let mut run = Self {
            link: Link::new(host::card(nvm), HOST.card_keys.agreement_key),
            life: Life::Issued,
            account: Some(FIRST),
            card_keys: HOST.card_keys,
            pin: *HOST.pin.as_bytes(),
            tries: 3,
            policy,
            previewed: None,
            last_request: None,
            offered: Vec::new(),
            txids: Vec::new(),
            challenge: None,
            signing: Vec::new(),
            contested: Vec::new(),
            pledged: Vec::new(),
            last_apdu: Vec::new(),
            outcome: Outcome::default(),
        };
        run.select();
        run
    }

    fn steps(mut self, input: &[u8]) -> Outcome {
        let mut bytes = Bytes::new(input);
        for _ in 0..MAX_STEPS {
            if bytes.is_empty() {
                break;
            }
            self.step(&mut bytes.step());
        }
        self.link.assert_open();
        self.assert_memory();
        self.outcome
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.u8() % step::COUNT {
            step::RAW => drop(self.send(bytes.rest())),
            step::PIN => drop(self.send(Verify::to_apdu(&HOST.pin).as_bytes())),
            step::PIN_DATA => {
                let block = bytes.take(16);
                let header = [0x00, 0x20, 0x00, 0x80, block.len() as u8];
                self.send(&[&header[..], block].concat());
            }
            step::PREVIEW => self.preview(bytes),
            step::PAY => {
                let request = self.request(bytes);
                self.pay(request);
            }
            step::PAY_AGAIN => {
                if let Some(request) = self.last_request.clone() {
                    self.pay(request);
                }
            }
            step::ENTER => self.enter(bytes, false),
            step::CREDIT => self.enter(bytes, true),
            step::SIGNED_BYTES => self.signed_bytes(bytes),
            step::OWNER => self.owner_command(bytes),
            step::READ_ON => drop(self.send(ReadCoins::next().as_bytes())),
            step::SIGN => self.sign(bytes),
            step::REPORT_ABSENT => {
                let outpoint = bytes.u8();
                if let Some(outpoint) = self.offered.get(usize::from(outpoint)).copied() {
                    self.send(ReportAbsent(outpoint).to_apdu().as_bytes());
                }
            }
            step::GET_ANCESTOR => self.get_ancestor(bytes),
            step::RESET => self.reset(),
            step::SELECT => self.select(),
            step::RECEIVE_SCRIPT => drop(self.send(ReceiveScript::to_apdu().as_bytes())),
            step::GET_DATA => {
                let object = bytes.one_of(&[
                    GetData::Status,
                    GetData::Capabilities,
                    GetData::Certificates(CardKey::Identity),
                    GetData::Certificates(CardKey::Agreement),
                ]);
                self.send(object.to_apdu().as_bytes());
            }
            step::TRIES => drop(self.send(&[0x00, 0x20, 0x00, 0x80])),
            step::ALTERED => {
                let at = usize::from(bytes.u8());
                let with = bytes.u8();
                let mut apdu = self.last_apdu.clone();
                if let Some(byte) = apdu.get_mut(at) {
                    *byte ^= with;
                }
                self.send(&apdu);
            }
            step::GENERATE => drop(self.send(GenerateKey::to_apdu().as_bytes())),
            step::CHALLENGE => drop(self.send(GetChallenge::to_apdu().as_bytes())),
            step::PIECE => {
                if let Ok(apdu) = EnterCoin::piece(bytes.rest()) {
                    self.send(apdu.as_bytes());
                }
            }
            step::PART => self.begin(bytes.rest()),
            step::GET_RESPONSE => self.get_response(bytes.u8()),
            step::STATEMENT => self.ask_statement(bytes),
            step::GENUINE => {
                let challenge = &[bytes.u8(); 32];
                self.send(ProveGenuine { challenge }.to_apdu().as_bytes());
            }
            step::ISSUE => self.issue(bytes),
            step::PERSONALISE => self.personalise(bytes),
            step::OPEN => self.open(bytes),
            step::FORM => {
                let choices = bytes.u8();
                self.link.form = Form {
                    extended: choices & 1 != 0,
                    pads_nothing: choices & 2 != 0,
                    le: match bytes.u8() {
                        // Less would cut a MAC off.
                        0..8 => 0,
                        le => le,
                    },
                };
            }
            step::BARE => drop(self.bare(bytes.rest())),
            step::PROTECTED => self.protected(bytes),
            _ => {
                let way = Break::ALL[usize::from(bytes.u8()) % Break::ALL.len()];
                self.break_channel(way, bytes.u8());
            }
        }
    }

    /// The account to which what the host computes belongs.
    fn host_account(&self) -> usize {
        self.account.unwrap_or(FIRST)
    }

    /// Remembers what was done in sessions of the present kind.
    fn did(&mut self, deed: Deed) {
        if self.link.is_open() {
            self.outcome.in_channels.push(deed);
        } else {
            self.outcome.plain.push(deed);
        }
    }

    fn did_if(&mut self, status: u16, deed: Deed) {
        if status == 0x9000 {
            self.did(deed);
        }
    }
}
