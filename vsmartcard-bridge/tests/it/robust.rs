//! Whatever bytes arrive: a status word of the protocol leaves, and the card can still pay.

use crate::support::contacts::{Contacts, powered};
use crate::support::owner::{Owner, PIN, pay, request, verify};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use tillcard_emu::{CardInSlot, EmulatedCard, Seed};
use tillcard_protocol::command::{
    GenerateKey, GetChallenge, GetData, Network, Preview, ReceiveScript, ReceiveScriptAnswer,
    Select,
};
use tillcard_protocol::status::meaning;
use tillcard_runtime::nvm::RamNvm;
use tillcard_test_owner::stripped;

/// Mutated commands.
const MUTATIONS: usize = 10_000;
/// Cards that share them: each has room for few enough payments in its log.
const CARDS: usize = 40;

const VERIFY: [u8; 4] = [0x00, 0x20, 0x00, 0x80];

/// Says that the card's random generator or its memory failed: here they work.
const BROKEN: [u16; 2] = [0x6400, 0x6581];

fn factory(seed: u64) -> EmulatedCard<RamNvm> {
    powered(EmulatedCard::ephemeral(Seed::Number(seed)).unwrap())
}

/// A card with some coins.
fn issued(seed: u64) -> (EmulatedCard<RamNvm>, Owner) {
    let mut card = factory(seed);
    let mut owner = Owner::issue(&mut card);
    for index in 0..8 {
        owner.enter(&mut card, index, 100_000, index);
    }
    (card, owner)
}

/// Sends anything, and checks that the answer is one of the protocol's.
fn poke(card: &mut EmulatedCard<RamNvm>, command: &[u8]) {
    let answer = card.transmit(command).unwrap();
    let [.., sw1, sw2] = *answer else {
        panic!("no status word on {command:02X?}")
    };
    let status = u16::from_be_bytes([sw1, sw2]);
    assert!(
        meaning(status).is_some() && !BROKEN.contains(&status),
        "{status:04X} on {command:02X?}"
    );
    assert!(
        status == 0x9000 || sw1 == 0x61 || answer.len() == 2,
        "data and {status:04X}"
    );
}

/// The card still takes a coin and pays with it.
fn proves_itself(card: &mut EmulatedCard<RamNvm>, owner: &mut Owner) {
    card.warm_reset().unwrap();
    card.done(&Select::to_apdu());
    card.done(&verify(PIN));
    let index = ReceiveScriptAnswer::parse(&card.done(&ReceiveScript::to_apdu()))
        .unwrap()
        .index;
    // The largest coin is the first to be spent.
    owner.enter(card, index, 900_000, 900_000);
    assert_eq!(owner.pay(card, 21_000).1, 0x9000);
}

/// Every class and instruction: without data, with one byte, and with one byte in extended form.
fn sweep(card: &mut EmulatedCard<RamNvm>) {
    for cla in 0..=u8::MAX {
        for ins in 0..=u8::MAX {
            poke(card, &[cla, ins, 0, 0]);
            poke(card, &[cla, ins, 0, 0, 1, 0]);
            poke(card, &[cla, ins, 0, 0, 0, 0, 1, 0, 0, 0]);
        }
    }
}

#[test]
fn every_class_and_instruction() {
    let mut card = factory(1);
    sweep(&mut card);
    card.done(&Select::to_apdu());
    sweep(&mut card);
    let mut owner = Owner::issue(&mut card);
    card.warm_reset().unwrap();
    sweep(&mut card);
    card.done(&Select::to_apdu());
    sweep(&mut card);
    card.done(&verify(PIN));
    sweep(&mut card);
    proves_itself(&mut card, &mut owner);
}

/// The commands of a session, in an order in which all succeed.
fn session(
    card: &mut EmulatedCard<RamNvm>,
    owner: &mut Owner,
    dice: &mut ChaCha20Rng,
) -> Vec<Vec<u8>> {
    let amount = 1_000 + dice.next_u64() % 20_000;
    let index = dice.next_u32() % 16;
    let transaction = owner.funding(index, 50_000, dice.next_u32());
    owner.note(&transaction);
    let challenge = card.done(&GetChallenge::to_apdu());
    let bytes = stripped(&transaction);
    [
        owner.begin(&transaction, index, &challenge),
        Owner::piece(&bytes[..40]),
        Owner::piece(&bytes[40..]),
        Select::to_apdu(),
        GetData::Status.to_apdu(),
        GetData::Capabilities.to_apdu(),
        GenerateKey::to_apdu(),
        crate::support::owner::issue_for(Network::Regtest),
        GetChallenge::to_apdu(),
        verify(PIN),
        ReceiveScript::to_apdu(),
        Preview::to_apdu(request(amount)).unwrap(),
        pay(amount),
    ]
    .iter()
    .map(|command| command.as_bytes().to_vec())
    .chain([vec![0x00, 0xC0, 0x00, 0x00, 0x00]])
    .collect()
}

/// Changes a command a little, as noise, a mistake or malice would.
fn mutate(command: &mut Vec<u8>, dice: &mut ChaCha20Rng) {
    for _ in 0..=dice.next_u32() % 3 {
        let length = command.len();
        let at = |dice: &mut ChaCha20Rng| dice.next_u32() as usize % length.max(1);
        let byte = dice.next_u32() as u8;
        match dice.next_u32() % 7 {
            _ if length == 0 => command.push(byte),
            0 => {
                let at = at(dice);
                command[at] ^= 1 << (byte % 8);
            }
            1 => {
                let at = at(dice);
                command[at] = [0x00, 0x01, 0x7F, 0x80, 0xFF, byte][usize::from(byte) % 6];
            }
            2 => command.truncate(at(dice)),
            3 => command.push(byte),
            4 => command.insert(at(dice), byte),
            5 => {
                command.remove(at(dice));
            }
            // A length field that promises more or less than there is.
            _ => command[length.min(5) - 1] = byte,
        }
    }
}

#[test]
fn mutations_of_a_valid_session() {
    let mut mutations = 0;
    for number in 0..CARDS {
        let mut dice = Seed::Number(1)
            .generator("mutations", number as u64)
            .unwrap();
        let (mut card, mut owner) = issued(number as u64);
        while mutations < (number + 1) * MUTATIONS / CARDS {
            for valid in session(&mut card, &mut owner, &mut dice) {
                // The session goes on with the command itself, the mutation, or both.
                let how = dice.next_u32() % 4;
                if how != 0 {
                    let mut mutated = valid.clone();
                    mutate(&mut mutated, &mut dice);
                    poke(&mut card, &mutated);
                    mutations += 1;
                    // A mutation may use up a try of the PIN. Two in a row may not.
                    if mutated.starts_with(&VERIFY) || valid.starts_with(&VERIFY) {
                        poke(&mut card, Select::to_apdu().as_bytes());
                        poke(&mut card, verify(PIN).as_bytes());
                    }
                }
                if how != 1 {
                    poke(&mut card, &valid);
                }
            }
            card.done(&Select::to_apdu());
        }
        proves_itself(&mut card, &mut owner);
    }
    assert!(mutations >= MUTATIONS);
}
