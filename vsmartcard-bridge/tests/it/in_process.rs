//! The card without a reader.

use tillcard_applet::ATR;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::layers::Counted;
use tillcard_emu::nvm::{PowerCutNvm, PowerSwitch, Store};
use tillcard_emu::slot::{SlotError, Snapshot};
use tillcard_emu::{CardInSlot, EmulatedCard, Seed};
use tillcard_protocol::command::{GetData, ReceiveScript, Select, State, StatusObject};
use tillcard_runtime::nvm::{NVM_SIZE, RamNvm};

use crate::support::contacts::{Contacts, powered};
use crate::support::owner::{Owner, PIN, WRONG_PIN, verify};

fn fresh() -> EmulatedCard<RamNvm> {
    EmulatedCard::ephemeral(Seed::Number(1)).unwrap()
}

fn tries_left(card: &mut impl Contacts) -> u8 {
    match StatusObject::parse(&card.done(&GetData::Status.to_apdu()))
        .unwrap()
        .state
    {
        State::Issued { tries_left, .. } => tries_left,
        other => panic!("no card that was issued: {other:?}"),
    }
}

/// An issued card with power, and the switch in its power supply.
fn tearable() -> (EmulatedCard<PowerCutNvm<RamNvm>>, PowerSwitch) {
    let nvm = PowerCutNvm::new(fresh().into_nvm());
    let switch = nvm.switch();
    let rng = Seed::Number(1).generator(DEFAULT_NAME, 1).unwrap();
    let mut card = powered(EmulatedCard::new(nvm, rng));
    Owner::issue(&mut card);
    switch.mend();
    (card, switch)
}

#[test]
fn a_card_without_power_answers_nothing() {
    let mut card = Counted::new(fresh());
    let select = Select::to_apdu();
    assert_eq!(card.atr(), ATR);
    let answer = card.transmit(select.as_bytes()).map(<[u8]>::to_vec);
    assert!(matches!(answer, Err(SlotError::NoPower)));
    assert!(matches!(card.warm_reset(), Err(SlotError::NoPower)));
    card.power_on().unwrap();
    card.done(&select);
    card.power_off();
    let answer = card.transmit(select.as_bytes()).map(<[u8]>::to_vec);
    assert!(matches!(answer, Err(SlotError::NoPower)));
    assert_eq!(card.apdus(), 1, "what isn't answered isn't counted");
}

/// Whatever holds a card can hold any, with any layers.
#[test]
fn a_boxed_card_is_a_card() {
    let mut card: Box<dyn CardInSlot> = Box::new(Counted::new(fresh()));
    card.power_on().unwrap();
    card.done(&Select::to_apdu());
    let mut lent = Counted::new(&mut card);
    lent.done(&GetData::Status.to_apdu());
    assert_eq!(lent.apdus(), 1);
}

type Reset = fn(&mut EmulatedCard<RamNvm>);

#[test]
fn every_reset_ends_the_session_and_keeps_the_card() {
    let resets: [(&str, Reset); 4] = [
        ("warm reset", |card| card.warm_reset().unwrap()),
        ("power on, with power", |card| card.power_on().unwrap()),
        ("power off and on", |card| {
            card.power_off();
            card.power_on().unwrap();
        }),
        ("restored from its own snapshot", |card| {
            let snapshot = card.snapshot().unwrap();
            card.restore(&snapshot).unwrap();
            card.power_on().unwrap();
        }),
    ];
    for (name, reset) in resets {
        let mut card = powered(fresh());
        Owner::issue(&mut card);
        card.done(&verify(PIN));
        card.done(&ReceiveScript::to_apdu());
        reset(&mut card);
        assert_eq!(
            card.send(&ReceiveScript::to_apdu()).1,
            0x6985,
            "{name}: no application is selected"
        );
        card.done(&Select::to_apdu());
        assert_eq!(
            card.send(&ReceiveScript::to_apdu()).1,
            0x6982,
            "{name}: the PIN is forgotten"
        );
        assert_eq!(tries_left(&mut card), 3, "{name}");
    }
}

#[test]
fn a_power_cut_gives_no_answer_and_no_try_back() {
    let wrong = verify(WRONG_PIN);
    let (mut card, switch) = tearable();
    assert_eq!(card.send(&wrong).1, 0x63C2);
    let bytes = switch.changed();
    for (cut, left) in [(0, 3), (1, 3), (bytes - 1, 3), (bytes, 2)] {
        let (mut card, switch) = tearable();
        switch.cut_after(cut);
        let answer = card.transmit(wrong.as_bytes()).map(<[u8]>::to_vec);
        assert!(matches!(answer, Err(SlotError::PowerCut)));
        let answer = card.transmit(wrong.as_bytes()).map(<[u8]>::to_vec);
        assert!(matches!(answer, Err(SlotError::NoPower)));
        switch.mend();
        card.power_on().unwrap();
        card.done(&Select::to_apdu());
        assert_eq!(
            tries_left(&mut card),
            left,
            "cut after {cut} of {bytes} bytes"
        );
    }
}

/// What was torn is torn in the snapshot too: nothing looks at the memory before the card has power.
#[test]
fn a_snapshot_is_the_memory_as_the_power_cut_left_it() {
    let (mut card, switch) = tearable();
    let before = card.snapshot().unwrap();
    assert_eq!(before.as_bytes().len(), NVM_SIZE);
    switch.cut_after(5);
    assert!(card.transmit(verify(WRONG_PIN).as_bytes()).is_err());
    let torn = card.snapshot().unwrap();
    let (before, after) = (before.as_bytes(), torn.as_bytes());
    let changed = (0..NVM_SIZE).filter(|&at| before[at] != after[at]);
    assert!((1..=5).contains(&changed.count()));
    card.power_off();
    assert!(card.snapshot().unwrap() == torn);
}

#[test]
fn a_restored_card_is_what_it_was_and_has_no_power() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let seed = Seed::Number(1);
    let mut kept = powered(EmulatedCard::persistent(&store, "kept", seed).unwrap());
    Owner::issue(&mut kept);
    let issued = kept.snapshot().unwrap();
    assert_eq!(kept.send(&verify(WRONG_PIN)).1, 0x63C2);

    // On another card and memory, and on the same.
    let mut copy = EmulatedCard::ephemeral_blank(Seed::Number(2)).unwrap();
    copy.restore(&issued).unwrap();
    kept.restore(&issued).unwrap();
    let answer = kept.transmit(Select::to_apdu().as_bytes());
    assert!(matches!(answer, Err(SlotError::NoPower)));
    for card in [&mut kept as &mut dyn CardInSlot, &mut copy] {
        assert!(card.snapshot().unwrap() == issued);
        let mut card = powered(card);
        card.done(&Select::to_apdu());
        assert_eq!(tries_left(&mut card), 3);
    }
    drop(kept);
    let mut again = EmulatedCard::persistent(&store, "kept", seed).unwrap();
    assert!(again.snapshot().unwrap() == issued, "it is on the disk");
}

#[test]
fn a_snapshot_of_another_length_changes_nothing() {
    let mut card = powered(fresh());
    Owner::issue(&mut card);
    let issued = card.snapshot().unwrap();
    for length in [0, NVM_SIZE - 1, NVM_SIZE + 1] {
        let other = Snapshot::from_bytes(vec![0xFF; length]);
        let refused = card.restore(&other);
        assert!(
            matches!(refused, Err(SlotError::SnapshotLength { given, needed })
                if given == length && needed == NVM_SIZE)
        );
    }
    assert!(card.snapshot().unwrap() == issued);
    assert_eq!(tries_left(&mut card), 3, "it has power still");
}
