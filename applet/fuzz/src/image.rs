//! A card whose memory was damaged. When two bits anywhere flipped, or a byte or
//! two side by side are others, it refuses, or is what it was: never a mixture,
//! and nothing that was committed is undone, unless the damage hit the last
//! commits themselves, which can't be told from torn ones. Whatever the damage,
//! the card doesn't panic.

use super::bytes::Bytes;
use super::status::is_listed;
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::fmt::Write;
use std::ops::Range;
use std::sync::LazyLock;
use tillcard_applet::persistent::Persistent;
use tillcard_applet::{Card, Configuration, Response};
use tillcard_protocol::command::{
    BeginReading, GetChallenge, GetData, OwnerCommand, Pay, PaymentRequest, Place, Preview,
    ReadCoins, ReadLog, ReceiveScript, Select, Source, State, StatusObject, Verify,
};
use tillcard_protocol::status::Status;
use tillcard_runtime::journal::RECORD_MAX;
use tillcard_runtime::nvm::{NVM_SIZE, PAGE_SIZE, RamNvm};
use tillcard_testkit::card::{TestCard, send};
use tillcard_testkit::host::{self, Bound, HOST, split};

/// Most bytes that one damage reaches over.
const REACH: usize = 64;
/// Places on each chain that are looked at.
const PLACES: u32 = 48;

const PAYEE: [u8; 22] = [
    0x00, 0x14, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
];

/// A memory, and what it must be found to hold.
struct Base {
    nvm: RamNvm,
    state: String,
    /// Where the last commits stand that one damage can reach together.
    last: Vec<Range<usize>>,
    /// What the memory held before those, one after another.
    before: Vec<String>,
    /// Bytes at the front that were ever written.
    used: usize,
}

static BASES: LazyLock<[Base; 3]> = LazyLock::new(|| {
    let young = payments(recorded(HOST.funded.clone()), 3);
    // Long in use: the log has gone round, and copied what still stood.
    let mut old = Persistent::open(HOST.funded.clone());
    for _ in 0..5_000 {
        old.set_tries_left(3).expect("there is room");
    }
    let old = payments(recorded(old.into_nvm()), 5);
    // The first commits on a page.
    let mut turned = recorded(HOST.funded.clone());
    let page = |recorder: &Recorder| {
        let last = recorder.commits.last();
        last.map(|(range, _)| range.start / PAGE_SIZE)
    };
    let first = page(&payments(recorded(HOST.funded.clone()), 1));
    while page(&turned).is_none_or(|page| Some(page) <= first) {
        turned = payments(turned, 1);
    }
    [young, old, payments(turned, 2)].map(Base::new)
});

impl Base {
    fn new(recorder: Recorder) -> Self {
        let state = state(recorder.nvm.clone()).expect("undamaged");
        let mut last = Vec::new();
        let mut before = Vec::new();
        let mut reached = 0;
        for (range, former) in recorder.commits.iter().rev() {
            last.push(range.clone());
            before.push(former.clone());
            reached += range.len();
            if reached > REACH {
                break;
            }
        }
        let used = recorder
            .nvm
            .as_bytes()
            .iter()
            .rposition(|byte| *byte != 0xFF);
        Self {
            nvm: recorder.nvm,
            state,
            last,
            before,
            used: used.map_or(0, |at| at + 1),
        }
    }
}

/// Remembers each commit: where it stands, and what was there before it.
struct Recorder {
    nvm: RamNvm,
    commits: Vec<(Range<usize>, String)>,
}

fn recorded(nvm: RamNvm) -> Recorder {
    Recorder {
        nvm,
        commits: Vec::new(),
    }
}

impl ErrorType for Recorder {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Recorder {
    const READ_SIZE: usize = RamNvm::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.nvm.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        NVM_SIZE
    }
}

impl NorFlash for Recorder {
    const WRITE_SIZE: usize = RamNvm::WRITE_SIZE;
    const ERASE_SIZE: usize = RamNvm::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.nvm.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let former = state(self.nvm.clone());
        self.nvm.write(offset, bytes)?;
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        match self.commits.last_mut() {
            // The next bytes of a commit that isn't whole yet.
            Some((range, before)) if range.end == start && Ok(&*before) == former.as_ref() => {
                range.end = end;
            }
            _ => self.commits.push((start..end, former.expect("undamaged"))),
        }
        Ok(())
    }
}

/// Has a card pay so often.
fn payments(recorder: Recorder, count: u8) -> Recorder {
    let mut card = Card::new(
        recorder,
        ChaCha20Rng::seed_from_u64(9),
        Configuration::ANY_NETWORK,
    );
    let mut response = Response::new();
    let mut expect = |apdu: &[u8]| {
        card.transmit(apdu, &mut response);
        let (_, [high, _]) = split(&response);
        assert!(matches!(high, 0x90 | 0x61));
    };
    expect(Select::to_apdu().as_bytes());
    for _ in 0..count {
        expect(Verify::to_apdu(&HOST.pin).as_bytes());
        let mut identity = [0; 16];
        identity[0] = fresh();
        let apdu = Pay::to_apdu(request(identity)).expect("it fits");
        expect(apdu.as_bytes());
    }
    card.into_nvm()
}

/// Another number each time.
fn fresh() -> u8 {
    use std::sync::atomic::{AtomicU8, Ordering};
    static NEXT: AtomicU8 = AtomicU8::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn request(identity: [u8; 16]) -> PaymentRequest<'static> {
    PaymentRequest {
        amount: 1_500,
        fee_rate: 1_000,
        payee_script: &PAYEE,
        source: Source::Rooted,
        identity,
        merchant: b"Dairy",
        invoice: None,
    }
}

/// All that a memory holds, in words.
fn state(nvm: RamNvm) -> Result<String, Status> {
    let mut persistent = Persistent::open(nvm);
    let mut text = String::new();
    let mut say = |part: std::fmt::Arguments<'_>| {
        text.write_fmt(part).expect("a string grows");
        text.push('\n');
    };
    if !persistent.is_issued()? {
        return Ok(text);
    }
    let identity = persistent.identity()?;
    let account = &identity.account;
    say(format_args!(
        "{:x?}{:x?}",
        account.public_key(),
        account.chain_code()
    ));
    say(format_args!(
        "{:x?}{:x?}",
        identity.owner_key,
        identity.leaf.to_bytes()
    ));
    say(format_args!("{:x?}", persistent.pin()?.as_bytes()));
    say(format_args!("{}", persistent.tries_left()?));
    say(format_args!("{:?}", persistent.limits()?));
    say(format_args!("{:?}", persistent.policy()?));
    let card_keys = persistent.card_keys()?;
    say(format_args!(
        "{:x?}",
        card_keys.map(|keys| *keys.to_bytes())
    ));
    say(format_args!("{:x?}", persistent.receive_script()?));
    let counters = persistent.counters()?;
    say(format_args!("{counters:?}"));
    persistent.for_each_slot(counters.log_first, |_, slot, coin| {
        if let Some(coin) = coin {
            say(format_args!("{slot} {coin:x?}"));
        }
        Ok(())
    })?;
    let mut buffer = [0; RECORD_MAX];
    for payment_number in counters.log_first..counters.log_next {
        say(format_args!(
            "{:x?}",
            persistent.log_entry(payment_number, &mut buffer)?
        ));
        say(format_args!(
            "{:?}",
            persistent.record_state(payment_number)?
        ));
    }
    for chain in [0, 1] {
        for index in 0..PLACES {
            let place = Place { chain, index };
            if persistent.is_retired(place)? {
                say(format_args!("{place:?}"));
            }
            if persistent.is_pledged(place)? {
                say(format_args!("pledged {place:?}"));
            }
        }
    }
    Ok(text)
}

/// Damages a memory, looks at it, and uses it.
pub fn run(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let base = &BASES[usize::from(bytes.u8()) % BASES.len()];
    let mut image = *base.nvm.as_bytes();
    let is_seen = damage(&mut image, base.used, &mut bytes);
    let hits = |range: &Range<usize>| image[range.clone()] != base.nvm.as_bytes()[range.clone()];
    let hit = base.last.iter().any(hits);
    let nvm = RamNvm::from_bytes(image);

    let mut card = host::card(nvm.clone());
    let mut response = Response::new();
    let mut transmit = |apdu: &[u8]| {
        card.transmit(apdu, &mut response);
        let (data, status) = split(&response);
        let status = u16::from_be_bytes(status);
        assert!(is_listed(status), "{status:04X}");
        (data.to_vec(), status)
    };
    assert_eq!(transmit(Select::to_apdu().as_bytes()).1, 0x9000);
    let (answer, status) = transmit(GetData::Status.to_apdu().as_bytes());
    assert_eq!(status, 0x9000);
    let shown = StatusObject::parse(&answer).expect("a status").state;
    if is_seen {
        assert_ne!(shown, State::Factory);
    }
    match state(nvm) {
        Err(status) => assert!(!is_seen || u16::from(status) == 0x6581),
        Ok(_) if !is_seen => {}
        Ok(found) => {
            let allowed = found == base.state || hit && base.before.contains(&found);
            assert!(allowed, "{found}\ninstead of\n{}", base.state);
        }
    }
    let refuses = matches!(shown, State::Damaged | State::OtherVersion);
    let mut expect = |apdu: &[u8]| {
        let (_, status) = transmit(apdu);
        assert!(!refuses || status == 0x6581, "{status:04X}");
    };
    expect(Verify::to_apdu(&HOST.pin).as_bytes());
    expect(ReceiveScript::to_apdu().as_bytes());
    let asked = request([bytes.u8(); 16]);
    expect(Preview::to_apdu(asked).expect("it fits").as_bytes());
    expect(Pay::to_apdu(asked).expect("it fits").as_bytes());
    expect(Pay::to_apdu(asked).expect("it fits").as_bytes());
    if !refuses {
        as_owner(&mut card, &ReadLog(1));
        as_owner(&mut card, &BeginReading);
        assert!(is_listed(send(&mut card, ReadCoins::next().as_bytes()).1));
    }
}

fn as_owner<C: OwnerCommand>(card: &mut TestCard, command: &C) {
    let (challenge, _) = send(card, GetChallenge::to_apdu().as_bytes());
    let apdu = HOST.command(Bound::PLAINLY, &challenge, command);
    assert!(is_listed(send(card, &apdu).1));
}

/// What memories suffer: bits that flip, bytes side by side that are others, a
/// row of cells that is lost. True when the journal's checksums find that for
/// certain; more could be a forged commit, which no checksum prevents.
fn damage(image: &mut [u8; NVM_SIZE], used: usize, bytes: &mut Bytes<'_>) -> bool {
    // Mostly where something stands.
    let reach = (used.next_multiple_of(PAGE_SIZE) + PAGE_SIZE).min(NVM_SIZE);
    let kind = bytes.u8() % 4;
    let at = usize::from(bytes.u16()) % reach;
    match kind {
        0 => {
            image[at] ^= 1 << (bytes.u8() % 8);
            if !bytes.is_empty() {
                let other = usize::from(bytes.u16()) % reach;
                image[other] ^= 1 << (bytes.u8() % 8);
            }
            true
        }
        1 => {
            for (byte, with) in image[at..].iter_mut().zip(bytes.take(2)) {
                *byte ^= with;
            }
            true
        }
        2 => {
            for (byte, with) in image[at..].iter_mut().zip(bytes.take(REACH)) {
                *byte ^= with;
            }
            false
        }
        _ => {
            let length = usize::from(bytes.u8()) % REACH + 1;
            let end = (at + length).min(NVM_SIZE);
            image[at..end].fill(0);
            false
        }
    }
}
