//! The owner's policy gone wrong, and offers and authorisations that an owner's command touches.

use crate::drivers::*;
use crate::support::{Defect, Memory, Reference, SELECT, honest, nothing, status};
use tillcard_conform::apdu::Command;
use tillcard_conform::card::Form;
use tillcard_conform::channel::{Channel, Ephemeral};

const SET_POLICY: [u8; 4] = [0x80, 0x52, 0, 0];
const SAME_PIN: [u8; 4] = [0x00, 0x2C, 3, 0x80];
const VERIFY: [u8; 4] = [0x00, 0x20, 0, 0x80];
/// Where ISSUE's answer has the agreement key.
const AGREEMENT_KEY: std::ops::Range<usize> = 106..139;
/// Where the status of an issued card has its policy.
const POLICY_AT: usize = 11;

/// A card that does one command in spite of the policy.
macro_rules! ignored {
    ($name:literal, $header:expr) => {
        Defect {
            name: $name,
            caught_by: &["TC-POL-01"],
            transmit: |_, card, command| instead_for(card, command, $header, 0x6982, 0x9000),
            after_reset: nothing,
        }
    };
}

/// Uses up a try in a channel of its own.
fn use_up_a_try(memory: &Memory, card: &mut dyn Reference) {
    let agreement = memory.kept["agreement key"].as_slice().try_into().unwrap();
    let own = Ephemeral::new(&[0x17; 32]).expect("a secret key");
    let open = [&[0x80, 0x88, 1, 0x13, 83], &own.field()[..], &[0]].concat();
    let answer = honest(card, &open);
    let (mut channel, _) =
        Channel::open(&own, &agreement, &answer[..86]).expect("the reference card");
    let verify = Command::new(VERIFY).data([0x24]);
    let verify = channel.protect(&verify, Form::Short).expect("it fits");
    card.secretly(&verify);
    card.secretly(&SELECT);
}

/// The policy that the status tells.
fn policy(card: &mut dyn Reference) -> Option<u8> {
    let answer = honest(card, &[0x00, 0xCA, 1, 0, 0]);
    (answer.len() == 14).then(|| answer[POLICY_AT])
}

pub(crate) const POLICIES: &[Defect] = &[
    ignored!("VERIFY in spite of the policy", VERIFY),
    ignored!("RECEIVE SCRIPT in spite of the policy", RECEIVE),
    ignored!("a credit in spite of the policy", CREDIT),
    ignored!("PREVIEW in spite of the policy", PREVIEW),
    ignored!("PAY in spite of the policy", PAY),
    ignored!("REPORT ABSENT in spite of the policy", REPORT_ABSENT),
    ignored!("GET ANCESTOR in spite of the policy", GET_ANCESTOR),
    ignored!("a new PIN in spite of the policy", NEW_PIN),
    Defect {
        name: "a try used up before the policy is looked at",
        caught_by: &["TC-POL-01"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, ISSUE) && status(&answer) == 0x9000 {
                let key = answer[AGREEMENT_KEY].to_vec();
                memory.kept.insert("agreement key", key);
            }
            if is_verify(command) && status(&answer) == 0x6982 {
                use_up_a_try(memory, card);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a challenge used up before the policy is looked at",
        caught_by: &["TC-POL-01"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, NEW_PIN) && status(&answer) == 0x6982 {
                card.secretly(&[0x00, 0x84, 0, 0, 16]);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "the owner locked out by his policy",
        caught_by: &["TC-POL-02"],
        transmit: |_, card, command| {
            if is(command, SAME_PIN) && policy(card) == Some(0) {
                return vec![0x69, 0x82];
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a policy for the next session only",
        caught_by: &["TC-POL-03"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, SET_POLICY) && status(&answer) == 0x9000 {
                memory.count.insert("set", 1);
            }
            if command.starts_with(&SELECT[..4]) {
                memory.count.remove("set");
            }
            if memory.count.contains_key("set") && is(command, RECEIVE) {
                return instead(answer, 0x6982, 0x9000);
            }
            answer
        },
        after_reset: |memory, _| {
            memory.count.remove("set");
        },
    },
    Defect {
        name: "a policy that a power cut undoes",
        caught_by: &["TC-POL-03"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, SET_POLICY);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "the status tells the policy of the issue",
        caught_by: &["TC-POL-03"],
        transmit: |memory, card, command| {
            let mut answer = honest(card, command);
            if is(command, STATUS) && answer.len() == 14 {
                let first = memory.count.entry("policy");
                answer[POLICY_AT] = *first.or_insert(u64::from(answer[POLICY_AT])) as u8;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a policy with bits that nobody knows",
        caught_by: &["TC-POL-04"],
        transmit: |_, card, command| instead_for(card, command, SET_POLICY, 0x6A80, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a policy that any signature sets",
        caught_by: &["TC-POL-04"],
        transmit: |_, card, command| instead_for(card, command, SET_POLICY, 0x6982, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a coin offered that left the card",
        caught_by: &["TC-OFR-01"],
        transmit: |_, card, command| instead_for(card, command, REPORT_ABSENT, 0x9414, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a refused new PIN leaves the authorisation",
        caught_by: &["TC-RRC-03"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, NEW_PIN) && status(&answer) == 0x6A80 {
                card.secretly(&memory.right_verify());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a new owner key ends the authorisation",
        caught_by: &["TC-OWN-07"],
        transmit: |memory, card, command| {
            if is(command, PAY) && memory.count.remove("new key").is_some() {
                return vec![0x69, 0x82];
            }
            let answer = honest(card, command);
            if is(command, CHANGE_OWNER_KEY) && status(&answer) == 0x9000 {
                memory.count.insert("new key", 1);
            }
            if is_verify(command) {
                memory.count.remove("new key");
            }
            answer
        },
        after_reset: nothing,
    },
];
