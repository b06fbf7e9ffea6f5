//! What drivers that spoil a card have in common.

use crate::support::{Memory, Reference, honest, status};

pub(crate) const OK: [u8; 2] = [0x90, 0x00];

pub(crate) fn is_verify(command: &[u8]) -> bool {
    command.starts_with(&[0x00, 0x20, 0x00, 0x80]) && command.len() > 5
}

pub(crate) fn is(command: &[u8], header: [u8; 4]) -> bool {
    command.starts_with(&header)
}

pub(crate) const PREVIEW: [u8; 4] = [0x80, 0x32, 0, 0];
pub(crate) const PAY: [u8; 4] = [0x80, 0x30, 0, 0];
pub(crate) const BEGIN: [u8; 4] = [0x80, 0x22, 0, 0];
pub(crate) const PIECE: [u8; 4] = [0x80, 0x22, 1, 0];
pub(crate) const ISSUE: [u8; 4] = [0x80, 0x10, 0, 0];
pub(crate) const GENERATE: [u8; 4] = [0x00, 0x46, 0, 0];
pub(crate) const CHALLENGE: [u8; 4] = [0x00, 0x84, 0, 0];
pub(crate) const RECEIVE: [u8; 4] = [0x80, 0x20, 0, 0];
pub(crate) const STATUS: [u8; 4] = [0x00, 0xCA, 1, 0];
pub(crate) const IMPORT: [u8; 4] = [0x80, 0x10, 1, 0];
pub(crate) const CREDIT: [u8; 4] = [0x80, 0x22, 2, 0];
pub(crate) const REPORT_ABSENT: [u8; 4] = [0x80, 0x34, 0, 0];
pub(crate) const GET_ANCESTOR: [u8; 4] = [0x80, 0x36, 0, 0];
pub(crate) const SIGN: [u8; 4] = [0x80, 0x40, 0, 0];
pub(crate) const SIGN_PIECE: [u8; 4] = [0x80, 0x40, 1, 0];
pub(crate) const READ_LOG: [u8; 4] = [0x80, 0x42, 0, 0];
pub(crate) const ACKNOWLEDGE_LOG: [u8; 4] = [0x80, 0x44, 0, 0];
pub(crate) const SET_LIMITS: [u8; 4] = [0x80, 0x46, 0, 0];
pub(crate) const READ_COINS: [u8; 4] = [0x80, 0x48, 0, 0];
pub(crate) const READ_COINS_ON: [u8; 4] = [0x80, 0x48, 1, 0];
pub(crate) const RESOLVE: [u8; 4] = [0x80, 0x4A, 0, 0];
pub(crate) const NEW_PIN: [u8; 4] = [0x00, 0x2C, 2, 0x80];
pub(crate) const CHANGE_OWNER_KEY: [u8; 4] = [0x80, 0x4C, 0, 0];
pub(crate) const READ_LIMITS: [u8; 4] = [0x80, 0x4E, 0, 0];
pub(crate) const READ_ACCOUNT: [u8; 4] = [0x80, 0x50, 0, 0];
pub(crate) const SET_POLICY: [u8; 4] = [0x80, 0x52, 0, 0];

/// The card answers one status word where it should answer another.
pub(crate) fn instead(answer: Vec<u8>, of: u16, wrong: u16) -> Vec<u8> {
    if status(&answer) == of {
        wrong.to_be_bytes().to_vec()
    } else {
        answer
    }
}

/// The same for commands of one kind only.
pub(crate) fn instead_for(
    card: &mut dyn Reference,
    command: &[u8],
    header: [u8; 4],
    of: u16,
    wrong: u16,
) -> Vec<u8> {
    let answer = honest(card, command);
    if is(command, header) {
        instead(answer, of, wrong)
    } else {
        answer
    }
}

/// Where the source of a request stands in its PREVIEW or PAY, and its identity after it.
pub(crate) fn source_at(command: &[u8]) -> Option<usize> {
    let payee = usize::from(*command.get(22)?);
    let at = 23 + payee + 2;
    (command.len() > at + 19).then_some(at)
}

/// The whole answer, as a card gives it that knows nothing of Le.
pub(crate) fn whole(card: &mut dyn Reference, command: &[u8]) -> Vec<u8> {
    let mut answer = honest(card, command);
    while status(&answer) >> 8 == 0x61 {
        answer.truncate(answer.len() - 2);
        answer.extend(honest(card, &[0x00, 0xC0, 0, 0, 0]));
    }
    answer
}

/// Keeps the memory as it was before a command of this kind.
pub(crate) fn remember_before(
    memory: &mut Memory,
    card: &mut dyn Reference,
    command: &[u8],
    header: [u8; 4],
) {
    if is(command, header) {
        let before = card.contents();
        memory.kept.insert("before", before);
    }
}

/// Forgets, when the power fails, what the last such command wrote.
pub(crate) fn forget(memory: &mut Memory, card: &mut dyn Reference) {
    if let Some(before) = memory.kept.remove("before") {
        card.set_contents(&before);
        card.reset(tillcard_conform::target::Reset::Cold)
            .expect("the emulator resets");
    }
}

/// Adds to the eight bytes of an amount in a request.
pub(crate) fn raised(command: &[u8], by: i64) -> Vec<u8> {
    let mut command = command.to_vec();
    let amount: [u8; 8] = command[7..15].try_into().unwrap();
    let amount = u64::from_be_bytes(amount).wrapping_add_signed(by);
    command[7..15].copy_from_slice(&amount.to_be_bytes());
    command
}

/// The whole answer to commands of one kind, the honest one to all others.
pub(crate) fn whole_if(card: &mut dyn Reference, command: &[u8], header: [u8; 4]) -> Vec<u8> {
    if is(command, header) && command.last() == Some(&0) {
        whole(card, command)
    } else {
        honest(card, command)
    }
}
