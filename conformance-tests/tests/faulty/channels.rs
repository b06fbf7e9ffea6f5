//! Sessions and channels gone wrong.

use crate::drivers::*;
use crate::support::middle::{self, Wrong, through};
use crate::support::{Defect, Reference, SELECT, honest, nothing, status};
use tillcard_conform::target::Fault;

const OPEN: [u8; 4] = [0x80, 0x88, 1, 0x13];
const PLAIN: [u8; 5] = [0x00, 0xCA, 1, 0, 0];

/// A card whose end of the channel is wrong in one way.
macro_rules! end {
    ($name:literal, $caught_by:expr, $wrong:expr) => {
        Defect {
            name: $name,
            caught_by: $caught_by,
            transmit: |memory, card, command| through(memory, card, command, $wrong),
            after_reset: middle::reset,
        }
    };
}

fn is_protected(command: &[u8]) -> bool {
    matches!(command[0], 0x04 | 0x84)
}

/// Closes a channel by a plain command.
fn close(card: &mut dyn Reference) {
    card.secretly(&PLAIN);
}

/// Answers a wrong opening without a look at the session.
fn refused_opening(command: &[u8]) -> Option<[u8; 2]> {
    let field = command.get(5..88)?;
    match *command {
        [0x80, 0x88, 1, 0x13, 83, ..] => p256::PublicKey::from_sec1_bytes(&field[18..])
            .is_err()
            .then_some([0x6A, 0x80]),
        [0x80, 0x88, ..] => Some([0x6A, 0x88]),
        _ => None,
    }
}

pub(crate) const CHANNELS: &[Defect] = &[
    Defect {
        name: "one ephemeral key for ever",
        caught_by: &["TC-SCP-01"],
        transmit: |_, card, command| {
            if is(command, OPEN) {
                let fault = Fault::Random(vec![0x11; 32]);
                assert!(card.inject(&fault).expect("the emulator has a source"));
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a receipt with a wrong bit",
        caught_by: &["TC-SCP-01", "TC-MSG-04"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if is(command, OPEN) && answer.len() == 88 {
                answer[85] ^= 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "an opening with a point of another curve",
        caught_by: &["TC-SCP-02", "TC-SCP-03"],
        transmit: |_, card, command| instead_for(card, command, OPEN, 0x6A80, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a key for channels in a card that nobody issued",
        caught_by: &["TC-SCP-03"],
        transmit: |_, card, command| instead_for(card, command, OPEN, 0x6985, 0x9000),
        after_reset: middle::reset,
    },
    Defect {
        name: "a channel within a channel",
        caught_by: &["TC-SCP-02"],
        transmit: |_, card, command| {
            instead_for(card, command, [0x84, 0x88, 1, 0x13], 0x6985, 0x9000)
        },
        after_reset: nothing,
    },
    Defect {
        name: "an ephemeral key from a dead random source",
        caught_by: &["TC-RND-05"],
        transmit: |_, card, command| instead_for(card, command, OPEN, 0x6400, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a refused opening that leaves the session",
        caught_by: &["TC-SES-01", "TC-SES-05"],
        transmit: |_, card, command| {
            refused_opening(command).map_or_else(|| honest(card, command), |sw| sw.to_vec())
        },
        after_reset: nothing,
    },
    Defect {
        name: "SELECT keeps the channel",
        caught_by: &["TC-SES-02"],
        transmit: |memory, card, command| {
            if *command == SELECT && memory.count.contains_key("open") {
                return OK.to_vec();
            }
            let answer = honest(card, command);
            if is(command, OPEN) && status(&answer) == 0x9000 {
                memory.count.insert("open", 1);
            }
            answer
        },
        after_reset: |memory, _| {
            memory.count.remove("open");
        },
    },
    Defect {
        name: "a refusal closes the channel",
        caught_by: &["TC-MSG-02", "TC-SCP-02"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is_protected(command) && !matches!(status(&answer) >> 8, 0x90 | 0x61 | 0x63) {
                close(card);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "GET RESPONSE closes the channel",
        caught_by: &["TC-MSG-05", "TC-SES-04"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, [0x00, 0xC0, 0, 0]) && status(&answer) >> 8 != 0x61 {
                close(card);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "protected commands in short form only",
        caught_by: &["TC-MSG-01", "TC-MSG-03"],
        transmit: |_, card, command| {
            if is_protected(command) && command.len() > 7 && command[4] == 0 {
                return vec![0x67, 0x00];
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a try behind a channel that a power cut gives back",
        caught_by: &["TC-MSG-09"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, [0x04, 0x20, 0, 0x80]);
            honest(card, command)
        },
        after_reset: forget,
    },
    end!(
        "two bytes of a MAC compared",
        &["TC-MSG-06"],
        Wrong::MacBytes(2)
    ),
    end!(
        "seven bytes of a MAC compared",
        &["TC-MSG-06"],
        Wrong::MacBytes(7)
    ),
    end!(
        "a MAC compared as far as it goes",
        &["TC-MSG-06", "TC-MSG-07"],
        Wrong::ShortMacs
    ),
    end!(
        "protected commands taken again",
        &["TC-MSG-08"],
        Wrong::Replays
    ),
    end!(
        "a MAC that doesn't cover the form of Lc",
        &["TC-MSG-07"],
        Wrong::AnyLc
    ),
    end!(
        "a MAC that doesn't cover the header",
        &["TC-MSG-07"],
        Wrong::AnyHeader
    ),
    end!(
        "a padding that isn't looked at",
        &["TC-MSG-07"],
        Wrong::AnyPadding
    ),
    end!(
        "a counter that stands still at commands without data",
        &["TC-MSG-03"],
        Wrong::EmptyUncounted
    ),
    end!(
        "answers without data have no MAC",
        &["TC-MSG-04"],
        Wrong::EmptyWithoutMac
    ),
    end!(
        "a refused command isn't counted",
        &["TC-MSG-02"],
        Wrong::RefusalsUncounted
    ),
    end!(
        "plain commands done in a channel",
        &["TC-SES-04", "TC-SES-02"],
        Wrong::PlainCommands
    ),
    end!(
        "owner's signatures for plain sessions taken in channels",
        &["TC-OWN-10"],
        Wrong::PlainInside
    ),
    end!(
        "an owner command in a channel done again",
        &["TC-OWN-11"],
        Wrong::OwnerReplays
    ),
    end!(
        "a channel that answers its own key",
        &["TC-KEY-05"],
        Wrong::LeaksKey
    ),
    end!(
        "an opening that keeps the authorisation",
        &["TC-SES-01", "TC-SES-03"],
        Wrong::KeepsAuthority
    ),
    end!(
        "a closed channel that leaves the authorisation",
        &["TC-SES-02"],
        Wrong::LeavesAuthority
    ),
];
