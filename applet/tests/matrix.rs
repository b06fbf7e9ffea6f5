//! Every command in every state, role and kind of session: the card answers what the
//! rules below say, which are those of sections 5.5 and 10, and the tables of section
//! 14 of `docs/protocol.md` say the same.
//!
//! `TILLCARD_WRITE_MATRIX=1 cargo test -p tillcard-applet --test matrix` writes the
//! tables into the text.

mod oracle;

use bitcoin::key::{Keypair, Secp256k1};
use bitcoin::secp256k1::{Message, SecretKey};
use bitcoin::{ScriptBuf, consensus::serialize};
use oracle::card::{Reader, SELECT, TestCard, apdu, fresh, objects, send};
use oracle::channel::{InChannel, open_data};
use oracle::model::{Model, announcement};
use oracle::owner::{Unsigned, enter, funding};
use oracle::payment::Request;
use oracle::random::Random;
use oracle::wallet::{Leaf, Limits, Profile, Wallet, tagged_hash};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::fmt::Write;
use std::fs;
use tillcard_applet::Card;
use tillcard_applet::nvm::RamNvm;

const TEXT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");

const LIMITS: Limits = Limits {
    payments: 100,
    ..Limits::WIDE
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Factory,
    Issued,
    Blocked,
    LogFull,
    Terminated,
}

impl State {
    const ALL: [(Self, &str); 5] = [
        (Self::Factory, "Factory, the personalisation not ended"),
        (Self::Issued, "Issued"),
        (Self::Blocked, "PIN blocked"),
        (Self::LogFull, "Log full"),
        (Self::Terminated, "Terminated"),
    ];

    /// Who can be there, and in which sessions.
    fn columns(self) -> Vec<Column> {
        use {Role::*, Session::*};
        let all = [
            (Plain, Anyone),
            (Plain, Holder),
            (Plain, Owner),
            (NotAllowed, Anyone),
            (NotAllowed, Owner),
            (Channel, Anyone),
            (Channel, Holder),
            (Channel, Owner),
        ];
        all.into_iter()
            .filter(|(session, role)| match self {
                Self::Factory => *role == Anyone && *session != NotAllowed,
                Self::Terminated => *role == Anyone && *session == Plain,
                Self::Blocked => *role != Holder,
                Self::Issued | Self::LogFull => true,
            })
            .map(|(session, role)| Column { session, role })
            .collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Session {
    /// A plain one, in which the policy allows PIN and payments.
    Plain,
    /// A plain one in which it doesn't.
    NotAllowed,
    Channel,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Anyone,
    Holder,
    Owner,
}

#[derive(Clone, Copy)]
struct Column {
    session: Session,
    role: Role,
}

impl Column {
    fn title(self) -> String {
        let session = match self.session {
            Session::Plain => "plain",
            Session::NotAllowed => "plain, bit 0 clear",
            Session::Channel => "channel",
        };
        let role = match self.role {
            Role::Anyone => "anyone",
            Role::Holder => "holder",
            Role::Owner => "owner",
        };
        format!("{session}: {role}")
    }
}

/// What the text says of a command in a state.
#[derive(Clone, Copy)]
enum Rule {
    /// This, to everybody.
    Is(u16),
    /// This to the holder.
    Holder(u16),
    /// This to the owner.
    Owner(u16),
    /// This, where the session allows PIN and payments.
    Shop(u16),
    /// This to the owner, where the session allows a PIN.
    OwnerShop(u16),
    /// This in a plain session; `6985` in a channel, since one is open.
    Plain(u16),
    /// This in a plain session; in a channel it is no instruction.
    Bare(u16),
}

impl Rule {
    fn of(self, column: Column) -> u16 {
        let shop = column.session != Session::NotAllowed;
        let (allowed, status) = match self {
            Self::Is(status) => (true, status),
            Self::Holder(status) => (shop && column.role == Role::Holder, status),
            Self::Owner(status) => (column.role == Role::Owner, status),
            Self::Shop(status) => (shop, status),
            Self::OwnerShop(status) => (shop && column.role == Role::Owner, status),
            Self::Plain(status) if column.session == Session::Channel => {
                (true, if status == 0x9000 { 0x6985 } else { status })
            }
            Self::Bare(_) if column.session == Session::Channel => (true, 0x6D00),
            Self::Plain(status) | Self::Bare(status) => (true, status),
        };
        if allowed { status } else { 0x6982 }
    }
}

/// A command that is well formed and possible.
enum What {
    Open,
    Command([u8; 4], Vec<u8>),
    Signed([u8; 4], Vec<u8>),
    ChangeOwnerKey,
}

struct Row {
    name: &'static str,
    what: What,
    /// In the states, in the order of [`State::ALL`].
    rules: [Rule; 5],
}

/// The rows, in the order of the text's sections.
fn rows(world: &World) -> Vec<Row> {
    use Rule::*;
    let same = |rule| [rule; 5];
    let everywhere = |factory, rule| [Is(factory), rule, rule, rule, Is(0x6985)];
    let owner = |status| everywhere(0x6985, Owner(status));
    let holder = |status| everywhere(0x6985, Holder(status));
    let plain = |header, data: &[u8]| What::Command(header, data.to_vec());
    let signed = |header, body: &[u8]| What::Signed(header, body.to_vec());
    let number = |number: u32| objects(&[(0x80, &number.to_be_bytes())]);
    let request = world.request.data();
    let (transaction, outpoint) = funding(&mut Random::new(9), &world.wallet.script((0, 5)), 9_000);
    let coin = announcement(&outpoint, (0, 5));
    let unsigned = Unsigned {
        version: 2,
        lock_time: 0,
        inputs: vec![(outpoint, 0, 9_000, (0, 5))],
        outputs: vec![(8_000, Err(ScriptBuf::from(vec![0x51; 34])))],
    };
    let seen = objects(&[(0x80, &1u32.to_be_bytes()), (0x81, &0u32.to_be_bytes())]);
    let statement = objects(&[(0x80, &[1; 32]), (0x81, &[2; 32])]);
    let reference = [0xA6, 0x04, 0x83, 0x02, 0x13, 0x01];
    let new_pin = objects(&[(0x84, &world.wallet.pin)]);
    let limits = objects(&[(0x85, &LIMITS.to_bytes())]);
    let row = |name, what, rules| Row { name, what, rules };
    vec![
        row(
            "SELECT",
            plain([0x00, 0xA4, 4, 0], &SELECT[5..14]),
            [Bare(0x9000); 5],
        ),
        row(
            "GET RESPONSE",
            plain([0x00, 0xC0, 0, 0], &[]),
            [Bare(0x6985); 5],
        ),
        row(
            "GET DATA, status",
            plain([0x00, 0xCA, 1, 0], &[]),
            same(Is(0x9000)),
        ),
        row(
            "GET DATA, capabilities",
            plain([0x00, 0xCA, 1, 1], &[]),
            same(Is(0x9000)),
        ),
        row(
            "GET DATA, certificates",
            plain([0x00, 0xCA, 0xBF, 0x21], &reference),
            [Is(0x6A88), Is(0x9000), Is(0x9000), Is(0x9000), Is(0x6A88)],
        ),
        row(
            "INTERNAL AUTHENTICATE, channel",
            What::Open,
            [
                Plain(0x9000),
                Plain(0x9000),
                Plain(0x9000),
                Plain(0x9000),
                Is(0x6985),
            ],
        ),
        row(
            "INTERNAL AUTHENTICATE, genuineness",
            plain([0x00, 0x88, 0, 0], &[7; 32]),
            everywhere(0x9000, Is(0x9000)),
        ),
        row(
            "GENERATE ASYMMETRIC KEY PAIR, account",
            plain([0x00, 0x46, 0, 0], &[]),
            everywhere(0x9000, Is(0x6985)),
        ),
        row(
            "GENERATE ASYMMETRIC KEY PAIR, own keys",
            plain([0x00, 0x46, 0, 1], &[]),
            everywhere(0x9000, Is(0x6985)),
        ),
        row(
            "PUT DATA",
            plain([0x00, 0xDA, 2, 0], &[1]),
            everywhere(0x9000, Is(0x6985)),
        ),
        row(
            "PUT DATA, end",
            plain([0x00, 0xDA, 2, 0xFF], &[]),
            everywhere(0x9000, Is(0x6985)),
        ),
        row(
            "ISSUE, imported",
            plain([0x80, 0x10, 1, 0], &world.issue),
            everywhere(0x9000, Is(0x6985)),
        ),
        row(
            "VERIFY, right",
            plain([0x00, 0x20, 0, 0x80], &world.wallet.pin),
            [
                Is(0x6985),
                Shop(0x9000),
                Shop(0x6983),
                Shop(0x9000),
                Is(0x6985),
            ],
        ),
        row(
            "VERIFY, without data",
            plain([0x00, 0x20, 0, 0x80], &[]),
            [Is(0x6985), Is(0x63C3), Is(0x6983), Is(0x63C3), Is(0x6985)],
        ),
        row(
            "GET CHALLENGE",
            plain([0x00, 0x84, 0, 0], &[]),
            everywhere(0x6985, Is(0x9000)),
        ),
        row(
            "RESET RETRY COUNTER, new PIN",
            signed([0x00, 0x2C, 2, 0x80], &new_pin),
            everywhere(0x6985, OwnerShop(0x9000)),
        ),
        row(
            "RESET RETRY COUNTER",
            signed([0x00, 0x2C, 3, 0x80], &[]),
            owner(0x9000),
        ),
        row("CHANGE OWNER KEY", What::ChangeOwnerKey, owner(0x9000)),
        row(
            "SET POLICY",
            signed([0x80, 0x52, 0, 0], &objects(&[(0x86, &[3])])),
            owner(0x9000),
        ),
        row(
            "FACTORY RESET",
            signed([0x80, 0x56, 0, 0], &[]),
            owner(0x9000),
        ),
        row(
            "TERMINATE CARD USAGE",
            signed([0x00, 0xFE, 0, 0], &[]),
            owner(0x9000),
        ),
        row(
            "RECEIVE SCRIPT",
            plain([0x80, 0x20, 0, 0], &[]),
            holder(0x9000),
        ),
        row(
            "ENTER COIN",
            signed([0x80, 0x22, 0, 0], &coin),
            owner(0x9000),
        ),
        row(
            "ENTER COIN, credit",
            plain([0x80, 0x22, 2, 0], &coin),
            holder(0x9000),
        ),
        row(
            "ENTER COIN, piece",
            plain([0x80, 0x22, 1, 0], &serialize(&transaction)),
            same(Is(0x6985)),
        ),
        row("READ COINS", signed([0x80, 0x48, 0, 0], &[]), owner(0x9000)),
        row(
            "READ COINS, next",
            plain([0x80, 0x48, 1, 0], &[]),
            same(Is(0x6985)),
        ),
        row(
            "PREVIEW",
            plain([0x80, 0x32, 0, 0], &request),
            [
                Is(0x6985),
                Holder(0x9000),
                Holder(0x9000),
                Holder(0x9409),
                Is(0x6985),
            ],
        ),
        row(
            "PAY",
            plain([0x80, 0x30, 0, 0], &request),
            [
                Is(0x6985),
                Holder(0x9000),
                Holder(0x9000),
                Holder(0x9409),
                Is(0x6985),
            ],
        ),
        row(
            "PAY, the same again",
            plain([0x80, 0x30, 0, 0], &world.paid.data()),
            everywhere(0x6985, Shop(0x9000)),
        ),
        row(
            "REPORT ABSENT, nothing offered",
            plain([0x80, 0x34, 0, 0], &objects(&[(0x80, &[1; 36])])),
            holder(0x6985),
        ),
        row(
            "GET ANCESTOR, nothing offered",
            plain([0x80, 0x36, 0, 0], &objects(&[(0x80, &[1; 32])])),
            holder(0x6985),
        ),
        row(
            "STATEMENT, nothing paid",
            plain([0x80, 0x54, 0, 0], &statement),
            everywhere(0x6985, Is(0x6A88)),
        ),
        row(
            "READ LOG",
            signed([0x80, 0x42, 0, 0], &number(0)),
            owner(0x9000),
        ),
        row(
            "ACKNOWLEDGE LOG",
            signed([0x80, 0x44, 0, 0], &seen),
            owner(0x9000),
        ),
        row(
            "SET LIMITS",
            signed([0x80, 0x46, 0, 0], &limits),
            [
                Is(0x6985),
                Owner(0x9000),
                Owner(0x9000),
                Owner(0x6985),
                Is(0x6985),
            ],
        ),
        row(
            "SIGN",
            signed([0x80, 0x40, 0, 0], &unsigned.body(&unsigned.stream())),
            owner(0x9000),
        ),
        row(
            "SIGN, piece",
            plain([0x80, 0x40, 1, 0], &unsigned.stream()),
            same(Is(0x6985)),
        ),
        row(
            "SIGN, signature",
            plain([0x80, 0x40, 2, 0], &[]),
            same(Is(0x6985)),
        ),
        row(
            "RESOLVE",
            signed([0x80, 0x4A, 0, 0], &number(0)),
            [
                Is(0x6985),
                Owner(0x9000),
                Owner(0x9000),
                Owner(0x6985),
                Is(0x6985),
            ],
        ),
        row(
            "READ LIMITS",
            signed([0x80, 0x4E, 0, 0], &[]),
            owner(0x9000),
        ),
        row(
            "READ ACCOUNT",
            signed([0x80, 0x50, 0, 0], &[]),
            owner(0x9000),
        ),
        row(
            "an instruction of none",
            plain([0x80, 0x99, 0, 0], &[]),
            same(Is(0x6D00)),
        ),
    ]
}

/// Cards in all states, and what their host knows.
struct World {
    wallet: Wallet,
    /// The agreement key of the card in the factory state.
    factory_key: Vec<u8>,
    /// ISSUE's data.
    issue: Vec<u8>,
    /// Payment 0, which all issued cards made.
    paid: Request,
    /// One that none made.
    request: Request,
    /// By state: with policy `03`, and with policy `02`.
    cards: Vec<[RamNvm; 2]>,
}

fn command(card: &mut impl Reader, header: [u8; 4], data: &[u8], expected: u16) -> Vec<u8> {
    let (answer, status) = send(card, &apdu(header, data, true));
    assert_eq!(status, expected, "{header:02X?}");
    answer
}

fn payment(number: u8) -> Request {
    Request {
        amount: 1_000,
        rate: 1_000,
        payee: ScriptBuf::from([&[0x00, 0x14][..], &[0x44; 20]].concat()),
        unrooted: false,
        identity: [number; 16],
        merchant: Vec::new(),
        invoice: Vec::new(),
    }
}

impl World {
    fn new() -> Self {
        let mut card = fresh(1);
        assert_eq!(send(&mut card, SELECT).1, 0x9000);
        let answer = command(&mut card, [0x00, 0x46, 0, 1], &[], 0x9000);
        let factory_key = answer[37..].to_vec();
        for p2 in [0x00, 0x10, 0x20] {
            command(&mut card, [0x00, 0xDA, 2, p2], &[0x30, 0], 0x9000);
        }
        let factory = card.nvm().clone();
        command(&mut card, [0x00, 0xDA, 2, 0xFF], &[], 0x9000);
        let profile = Profile {
            network: 3,
            imported: true,
            leaf: Leaf::None,
            limits: LIMITS,
            policy: 3,
        };
        let random = &mut Random::new(1);
        let wallet = Wallet::issue(&mut card, random, &profile);
        assert_eq!(wallet.own_keys.agreement, factory_key);
        let model = &mut Model::new(&wallet, LIMITS);
        for index in 0..3 {
            enter(&mut card, model, random, (0, index), 900_000);
        }
        let verify = [0x00, 0x20, 0x00, 0x80];
        command(&mut card, verify, &wallet.pin, 0x9000);
        command(&mut card, [0x80, 0x30, 0, 0], &payment(0).data(), 0x9000);
        let unread = card.nvm().clone();
        let seen = objects(&[(0x80, &1u32.to_be_bytes()), (0x81, &0u32.to_be_bytes())]);
        assert_eq!(
            wallet.command(&mut card, [0x80, 0x44, 0, 0], &seen).1,
            0x9000
        );
        let issued = card.nvm().clone();

        let mut card = selected(&issued);
        for left in [0x63C2, 0x63C1, 0x63C0] {
            command(&mut card, verify, &[0; 8], left);
        }
        let blocked = card.into_nvm();

        let mut card = selected(&unread);
        for number in 1..64 {
            command(&mut card, verify, &wallet.pin, 0x9000);
            command(
                &mut card,
                [0x80, 0x30, 0, 0],
                &payment(number).data(),
                0x9000,
            );
        }
        let log_full = card.into_nvm();

        let mut card = selected(&issued);
        assert_eq!(wallet.command(&mut card, [0x00, 0xFE, 0, 0], &[]).1, 0x9000);
        let terminated = card.into_nvm();

        let not_allowed = |nvm: &RamNvm| {
            let mut card = selected(nvm);
            let policy = objects(&[(0x86, &[2])]);
            let (_, status) = wallet.command(&mut card, [0x80, 0x52, 0, 0], &policy);
            assert_eq!(status, 0x9000);
            card.into_nvm()
        };
        let cards = vec![
            [factory.clone(), factory],
            [issued.clone(), not_allowed(&issued)],
            [blocked.clone(), not_allowed(&blocked)],
            [log_full.clone(), not_allowed(&log_full)],
            [terminated.clone(), terminated],
        ];
        let issue = issue_data(&wallet);
        Self {
            wallet,
            factory_key,
            issue,
            paid: payment(0),
            request: payment(200),
            cards,
        }
    }

    /// What the card answers.
    fn answered(&self, state: usize, column: Column, what: &What) -> u16 {
        let [allowed, not_allowed] = &self.cards[state];
        match column.session {
            Session::Plain => self.ask(selected(allowed), column.role, what),
            Session::NotAllowed => self.ask(selected(not_allowed), column.role, what),
            Session::Channel => {
                // A channel must do even where a plain session wouldn't.
                let card = selected(not_allowed);
                let channel = InChannel::new(card, &self.factory_key);
                self.ask(channel, column.role, what)
            }
        }
    }

    fn ask(&self, mut card: impl Reader, role: Role, what: &What) -> u16 {
        if role == Role::Holder {
            command(&mut card, [0x00, 0x20, 0, 0x80], &self.wallet.pin, 0x9000);
        }
        let by_owner = role == Role::Owner;
        let (header, data) = match what {
            What::Open => {
                let ephemeral = p256::SecretKey::from_slice(&[9; 32]).unwrap();
                ([0x80, 0x88, 0x01, 0x13], open_data(&ephemeral))
            }
            What::Command(header, data) => (*header, data.clone()),
            What::Signed(header, body) => (
                *header,
                self.signed(&mut card, by_owner, *header, |_| body.clone()),
            ),
            What::ChangeOwnerKey => {
                let header = [0x80, 0x4C, 0, 0];
                let session = card.session();
                let body = |challenge: &[u8]| self.new_key(&session, challenge);
                (header, self.signed(&mut card, by_owner, header, body))
            }
        };
        let protected = card.session() != [0];
        let is_bare = matches!(header[1], 0xA4 | 0xC0);
        if protected && (is_bare || matches!(what, What::Open)) {
            return card.protected(header, &data);
        }
        send(&mut card, &apdu(header, &data, true)).1
    }

    /// An owner command's data, signed by the owner or by somebody else.
    fn signed(
        &self,
        card: &mut impl Reader,
        by_owner: bool,
        header: [u8; 4],
        body: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Vec<u8> {
        let (challenge, _) = send(card, &apdu([0x00, 0x84, 0, 0], &[], true));
        let command = self
            .wallet
            .signed(&card.session(), &challenge, header, &body(&challenge));
        let mut data = command[5..command.len() - 1].to_vec();
        if !by_owner {
            *data.last_mut().unwrap() ^= 1;
        }
        data
    }

    fn new_key(&self, session: &[u8], challenge: &[u8]) -> Vec<u8> {
        let secp = Secp256k1::new();
        let new = Keypair::from_secret_key(&secp, &SecretKey::from_slice(&[5; 32]).unwrap());
        let key = new.x_only_public_key().0.serialize();
        let message = tagged_hash(
            "Tillcard/owner-key",
            &[&[3], &self.wallet.card_id(), session, challenge, &key],
        );
        let proof = secp.sign_schnorr_no_aux_rand(&Message::from_digest(message), &new);
        objects(&[(0x80, &key), (0x81, &proof.serialize())])
    }
}

fn issue_data(wallet: &Wallet) -> Vec<u8> {
    objects(&[
        (0x80, &[3]),
        (0x81, &[1; 64]),
        (
            0x82,
            &[&wallet.account().public_key.serialize()[1..]].concat(),
        ),
        (0x83, &[0; 35]),
        (0x84, &wallet.pin),
        (0x85, &LIMITS.to_bytes()),
        (0x86, &[1]),
    ])
}

fn selected(nvm: &RamNvm) -> TestCard {
    let mut card = Card::new(nvm.clone(), ChaCha20Rng::seed_from_u64(3));
    assert_eq!(send(&mut card, SELECT).1, 0x9000);
    card
}

#[test]
fn every_command_in_every_state_role_and_session() {
    let world = World::new();
    let rows = rows(&world);
    let mut tables = String::new();
    let mut cells = 0;
    for (number, (state, title)) in State::ALL.into_iter().enumerate() {
        let columns = state.columns();
        let titles: Vec<String> = columns.iter().map(|column| column.title()).collect();
        write!(tables, "\n### 14.{} {title}\n\n", number + 1).unwrap();
        writeln!(tables, "| command | {} |", titles.join(" | ")).unwrap();
        writeln!(tables, "|---|{}", "---|".repeat(columns.len())).unwrap();
        for row in &rows {
            write!(tables, "| {} |", row.name).unwrap();
            for column in &columns {
                let status = world.answered(number, *column, &row.what);
                let expected = row.rules[number].of(*column);
                assert_eq!(
                    format!("{status:04X}"),
                    format!("{expected:04X}"),
                    "{title}: {}, {}",
                    row.name,
                    column.title()
                );
                write!(tables, " `{status:04X}` |").unwrap();
                cells += 1;
            }
            tables.push('\n');
        }
    }
    println!("{cells} cells");
    assert!(cells > 900);
    let mut text = fs::read_to_string(TEXT).unwrap();
    let start = text.find("\n### 14.1 ").expect("section 14");
    if std::env::var_os("TILLCARD_WRITE_MATRIX").is_some() {
        text.replace_range(start.., &tables);
        fs::write(TEXT, &text).unwrap();
    }
    assert!(text[start..] == tables, "section 14 says something else");
}
