//! Bits that flip while they are read: in the account's secret, and in all that it stands among.

use crate::support::signing::Built;
use crate::support::*;
use rand_chacha::ChaCha20Rng;
use std::ops::Range;
use tillcard_applet::Card;
use tillcard_applet::persistent::Persistent;
use tillcard_protocol::command::{
    AcknowledgeLog, AskPaymentState, BeginReading, GetAncestor, GetData, OwnerCommand, Pay,
    PayAgain, ReadAccount, ReadLimits, ReadLog, ReceiveScript, SamePin, Select, SetPolicy, Sign,
    Verify,
};
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::faults::{Flip, FlippedNvm};

type FlippedCard = Card<FlippedNvm<RamNvm>, ChaCha20Rng>;

/// Bytes of the record in which the account's secret stands first.
const RECORD: u32 = 32 + 32 + 33 + 2 + 32 + 32 + 35;

/// A card that paid once, its owner, and where its account's secret stands.
fn paid_once(seed: u64) -> (RamNvm, Owner, Range<u32>) {
    let (mut card, owner) = funded(seed, &[100_000, 90_000]);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(pay(&mut card, request(&p2wpkh(3), 95_000)).1, 0x9000);
    let nvm = card.into_nvm();
    let mut persistent = Persistent::open(nvm.clone());
    let identity = persistent.identity().unwrap();
    let secret = persistent.account_secret(&identity).unwrap().to_bytes();
    let found: Vec<usize> = (0..nvm.as_bytes().len() - secret.len())
        .filter(|at| nvm.as_bytes()[*at..].starts_with(&*secret))
        .collect();
    let [at] = found[..] else {
        panic!("the secret stands at {found:?}")
    };
    (nvm, owner, at as u32..at as u32 + 32)
}

fn flip(card: &mut FlippedCard, flip: Option<Flip>) {
    card.nvm_mut().flip(flip);
}

fn bits(addresses: Range<u32>) -> impl Iterator<Item = (u32, u8)> {
    addresses.flat_map(|address| (0..8).map(move |bit| (address, bit)))
}

/// The card's memory is as it was.
fn unchanged(card: &mut FlippedCard, before: &RamNvm) {
    assert_eq!(
        card.nvm_mut().inner_mut().as_bytes()[..],
        before.as_bytes()[..]
    );
}

/// A name, what comes before, and a command that signs.
type Signing = (
    &'static str,
    fn(&Owner, &mut FlippedCard),
    fn(&mut FlippedCard) -> (Vec<u8>, u16),
);

/// What signs with the account's key.
fn signing() -> [Signing; 5] {
    [
        (
            "SIGN",
            |owner, card| {
                let built = Built::random(&mut rng(91), 2, 2, 1_000);
                assert_eq!(built.announce(owner, card).1, 0x9000);
            },
            |card| send(card, Sign::input(1).as_bytes()),
        ),
        (
            "PAY",
            |owner, card| assert_eq!(owner.verify(card, PIN), 0x9000),
            |card| pay(card, request(&p2wpkh(3), 60_000)),
        ),
        (
            "PAY the same again",
            |_, _| {},
            |card| pay(card, request(&p2wpkh(3), 95_000)),
        ),
        (
            "PAY again only",
            |_, _| {},
            |card| {
                let again = PayAgain::to_apdu(request(&p2wpkh(3), 95_000)).unwrap();
                send(card, again.as_bytes())
            },
        ),
        (
            "GET ANCESTOR",
            |owner, card| {
                assert_eq!(owner.verify(card, PIN), 0x9000);
                // More than the coin that isn't change.
                assert_eq!(preview(card, request(&p2wpkh(3), 92_000)).1, 0x9000);
            },
            |card| {
                let kept = Persistent::open(card.nvm_mut().inner_mut().clone())
                    .log_entry(0, &mut [0; 255])
                    .unwrap()
                    .txid;
                send(card, GetAncestor(kept).to_apdu().as_bytes())
            },
        ),
    ]
}

/// `[KEY-5]`: each bit of the secret, flipped at each read of it, then flipped for good: no
/// signature leaves, and nothing is committed. Without the fault, it is signed as ever.
#[test]
fn no_signature_by_a_faulted_secret() {
    let (nvm, owner, secret) = paid_once(92);
    for (name, prepare, sign) in signing() {
        let mut card = selected(FlippedNvm::new(nvm.clone()));
        prepare(&owner, &mut card);
        flip(&mut card, None);
        assert_eq!(sign(&mut card).1, 0x9000, "{name}");
        let reads = card.nvm().reads_of(&secret);
        assert_eq!(reads, 1, "{name} loads the secret so often");
        for (address, bit) in bits(secret.clone()) {
            for nth in [None, Some(0)] {
                let mut card = selected(FlippedNvm::new(nvm.clone()));
                prepare(&owner, &mut card);
                let before = card.nvm_mut().inner_mut().clone();
                flip(&mut card, Some(Flip { address, bit, nth }));
                let place = format!("{name}, bit {bit} of byte {}", address - secret.start);
                assert_eq!(sign(&mut card), (Vec::new(), 0x6400), "{place}");
                unchanged(&mut card, &before);
            }
        }
    }
}

/// A single flip at a payment, anywhere in the record of what the card is, costs at most this
/// answer: nothing is committed, and the card pays at the next try.
#[test]
fn a_flip_at_the_first_pay_strands_nothing() {
    let (nvm, owner, secret) = paid_once(93);
    let milk = p2wpkh(3);
    let asked = request(&milk, 60_000);
    let mut refused = 0;
    for (address, bit) in bits(secret.start..secret.start + RECORD) {
        for nth in [0, 1] {
            let mut card = selected(FlippedNvm::new(nvm.clone()));
            assert_eq!(owner.verify(&mut card, PIN), 0x9000);
            let before = card.nvm_mut().inner_mut().clone();
            let nth = Some(nth);
            flip(&mut card, Some(Flip { address, bit, nth }));
            let (answer, status) = pay(&mut card, asked);
            let place = format!("bit {bit} of byte {}", address - secret.start);
            if status == 0x9000 {
                owner.clone().accept(&answer, &milk, 60_000, 1);
                continue;
            }
            refused += 1;
            assert_eq!(answer, []);
            assert!(matches!(status, 0x6400 | 0x6581), "{status:04X}, {place}");
            unchanged(&mut card, &before);
            flip(&mut card, None);
            send(&mut card, Select::to_apdu().as_bytes());
            assert_eq!(owner.verify(&mut card, PIN), 0x9000, "{place}");
            let (answer, status) = pay(&mut card, asked);
            assert_eq!(status, 0x9000, "{place}");
            owner.clone().accept(&answer, &milk, 60_000, 1);
        }
    }
    println!("{refused} flips refused");
}

/// A bit that is read wrong while a page is copied isn't kept: the command fails, and the secret
/// is what it was.
#[test]
fn a_flip_while_copying_is_not_kept() {
    let (nvm, owner, secret) = paid_once(103);
    let secret_of = |nvm: RamNvm| {
        let mut persistent = Persistent::open(nvm);
        let identity = persistent.identity().unwrap();
        persistent.account_secret(&identity).unwrap().to_bytes()
    };
    let right = secret_of(nvm.clone());
    let mut card = selected(FlippedNvm::new(nvm));
    let (before, reads) = (0..5_000)
        .find_map(|_| {
            let before = card.nvm_mut().inner_mut().clone();
            flip(&mut card, None);
            assert_eq!(owner.verify(&mut card, PIN), 0x9000);
            let reads = card.nvm().reads_of(&secret);
            (reads > 0).then_some((before, reads))
        })
        .expect("the page of the secret is copied in the end");
    assert_eq!(reads, 2);
    for (address, bit) in bits(secret.clone()) {
        for nth in 0..reads {
            let mut card = selected(FlippedNvm::new(before.clone()));
            let nth = Some(nth);
            flip(&mut card, Some(Flip { address, bit, nth }));
            let place = format!("bit {bit} of byte {}", address - secret.start);
            assert_eq!(owner.verify(&mut card, PIN), 0x6581, "{place}");
            assert_eq!(secret_of(card.into_nvm().into_inner()), right, "{place}");
        }
    }
}

/// The secret is loaded to sign, and for nothing else.
#[test]
fn nothing_else_loads_the_secret() {
    let (nvm, owner, secret) = paid_once(94);
    let mut card = selected(FlippedNvm::new(nvm));
    let mut never = |name: &str, run: &mut dyn FnMut(&mut FlippedCard) -> u16| {
        flip(&mut card, None);
        assert_eq!(run(&mut card), 0x9000, "{name}");
        assert_eq!(card.nvm().reads_of(&secret), 0, "{name}");
    };
    let plain = |apdu: Vec<u8>| move |card: &mut FlippedCard| send(card, &apdu).1;
    fn by_owner<'a, C: OwnerCommand>(
        owner: &'a Owner,
        command: &'a C,
    ) -> impl FnMut(&mut FlippedCard) -> u16 + 'a {
        move |card| owner.command(card, command).1
    }
    let pin = pin(PIN);
    let milk = p2wpkh(3);
    never(
        "status",
        &mut plain(GetData::Status.to_apdu().as_bytes().to_vec()),
    );
    never(
        "VERIFY",
        &mut plain(Verify::to_apdu(&pin).as_bytes().to_vec()),
    );
    never(
        "RECEIVE SCRIPT",
        &mut plain(ReceiveScript::to_apdu().as_bytes().to_vec()),
    );
    never("PREVIEW", &mut |card| {
        preview(card, request(&milk, 60_000)).1
    });
    let state = AskPaymentState(request(&milk, 95_000).identity);
    never(
        "PAYMENT STATE",
        &mut plain(state.to_apdu().as_bytes().to_vec()),
    );
    never("READ ACCOUNT", &mut by_owner(&owner, &ReadAccount));
    never("READ LIMITS", &mut by_owner(&owner, &ReadLimits));
    never("READ LOG", &mut by_owner(&owner, &ReadLog(0)));
    never("READ COINS", &mut by_owner(&owner, &BeginReading));
    never("RESET RETRY COUNTER", &mut by_owner(&owner, &SamePin));
    never("SET POLICY", &mut by_owner(&owner, &SetPolicy::new(POLICY)));
    let seen = AcknowledgeLog {
        seen: 1,
        settled: 0,
    };
    never("ACKNOWLEDGE LOG", &mut by_owner(&owner, &seen));
    never("SIGN of an announced stream", &mut |card| {
        Built::random(&mut rng(95), 2, 2, 1_000)
            .announce(&owner, card)
            .1
    });
    never("ENTER COIN", &mut |card| {
        let transaction = owner.funding(2, 60_000, 5);
        owner.clone().enter(card, &transaction, 2)
    });
    never("CHANGE OWNER KEY", &mut |card| {
        owner.change_key(card, &owner.key).1
    });
}

/// What a question without PIN costs the card is the same whatever its log keeps: its time doesn't
/// tell the number of payments.
#[test]
fn the_whole_log_is_gone_through() {
    let (card, owner) = funded(99, &[1_000_000]);
    let mut card = selected(FlippedNvm::new(card.into_nvm()));
    let milk = p2wpkh(3);
    let unknown = request(&milk, 999);
    let reads = |card: &mut FlippedCard, apdu: &[u8], status: u16| {
        flip(card, None);
        assert_eq!(send(card, apdu).1, status);
        card.nvm().reads().len()
    };
    let state_of = |identity| AskPaymentState(identity).to_apdu().as_bytes().to_vec();
    let asked = [
        (Pay::to_apdu(unknown).unwrap().as_bytes().to_vec(), 0x6982),
        (
            PayAgain::to_apdu(unknown).unwrap().as_bytes().to_vec(),
            0x6A88,
        ),
        (state_of(unknown.identity), 0x9000),
    ];
    let (mut at_first, mut newest_at_first) = (None, None);
    for payments in 0..12 {
        let unknown = asked
            .each_ref()
            .map(|(apdu, status)| reads(&mut card, apdu, *status));
        let at_first = at_first.get_or_insert(unknown);
        assert_eq!(*at_first, unknown, "after {payments} payments");
        // Nor does the time tell how many stand before the one that is asked about.
        if payments > 0 {
            let newest = request(&milk, 999 + payments).identity;
            let newest = reads(&mut card, &state_of(newest), 0x9000);
            let at_first = newest_at_first.get_or_insert(newest);
            assert_eq!(*at_first, newest, "the newest of {payments}");
        }
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(pay(&mut card, request(&milk, 1_000 + payments)).1, 0x9000);
    }
}
