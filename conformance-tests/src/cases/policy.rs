//! The owner's policy: section 5.5.

use super::channel_opening::needs_channel;
use super::prelude::*;
use crate::card::{NEW_PIN, READ_LIMITS, SAME_PIN, SET_POLICY, new_pin_body};
use crate::model::{PLAIN, STATEMENTS};
use crate::tlv;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-POL-01",
        version: 1,
        purpose: "With bit 0 clear, VERIFY with the right PIN and with a wrong one, RECEIVE \
                  SCRIPT, a credit, PREVIEW, PAY (without PIN where the limits allow it, and of a \
                  payment made before), REPORT ABSENT, GET ANCESTOR and RESET RETRY COUNTER with a \
                  new PIN are refused with 6982 in a plain session, after their length and \
                  encoding, the last without using up the owner's challenge; no try is used, and \
                  coins, counters, log and PIN are as before. All of it is done in a channel. The \
                  same with the PIN blocked.",
        requirements: &[req::POL_1, req::NOP_1, req::REC_1, req::PIN_5, req::OWN_3],
        start: Start::Own,
        level: Level::D3,
        defect: "One command forgotten: a till without a channel, or a shim, gets at PIN or money.",
        run: plain_forbidden,
    },
    Case {
        id: "TC-POL-02",
        version: 1,
        purpose: "With bit 0 clear, what isn't PIN or payment works in a plain session: VERIFY \
                  without data, GET CHALLENGE and all that the owner signs, RESET RETRY COUNTER \
                  without a new PIN among it, his entry of a coin, and the proof of genuineness.",
        requirements: &[req::POL_1, req::PIN_4, req::RRC_1, req::ENT_1],
        start: Start::Own,
        level: Level::D3,
        defect: "An owner locked out of his own card by his policy.",
        run: plain_allowed,
    },
    Case {
        id: "TC-POL-03",
        version: 1,
        purpose: "SET POLICY to each of the four values, in a plain session and in a channel, is \
                  in force at once, in the session in which a holder is authorised and after \
                  power cuts; status and READ LIMITS tell it. An authorisation that the policy \
                  forbids to be used is there again when the policy allows it.",
        requirements: &[req::POL_2, req::POL_3, req::POL_1, req::NVM_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A policy that binds from the next session only, or that a power cut undoes.",
        run: set,
    },
    Case {
        id: "TC-POL-04",
        version: 1,
        purpose: "SET POLICY with any other bit is refused with 6A80 when the owner signed it, \
                  and with 6982 when he didn't; signed for another value, replayed, or without a \
                  challenge with 6982; the policy is as before.",
        requirements: &[req::POL_2, req::POL_3, req::OWN_2, req::OWN_3],
        start: Start::Issued,
        level: Level::D1,
        defect: "A shop that opens the card to plain sessions.",
        run: refused,
    },
];

const VERIFY: [u8; 4] = [0x00, 0x20, 0x00, 0x80];

/// Every command that the policy forbids, of which each would be done in another session.
fn forbidden(b: &mut Bench, made: &Request) -> Step<Vec<(&'static str, Command)>> {
    let capabilities = b.card.host()?.capabilities;
    let small = request(1_000).encode();
    let kept = b.card.logged(made)?.clone();
    let outpoint = kept.plan.inputs[0].outpoint();
    let pay = |field: Vec<u8>| Command::new([0x80, 0x30, 0, 0]).data(field).le(LE_SHORT);
    let mut commands = vec![
        (
            "VERIFY with the right PIN",
            Command::new(VERIFY).data(b.card.right_block()?),
        ),
        (
            "VERIFY with a wrong PIN",
            Command::new(VERIFY).data(b.card.wrong_block()?),
        ),
        ("VERIFY of one byte", Command::new(VERIFY).data([0x24])),
        (
            "RECEIVE SCRIPT",
            Command::new([0x80, 0x20, 0, 0]).le(LE_SHORT),
        ),
        (
            "PREVIEW",
            Command::new([0x80, 0x32, 0, 0])
                .data(small.clone())
                .le(LE_SHORT),
        ),
        ("PAY without PIN", pay(small)),
        ("PAY, again", pay(made.encode())),
        (
            "REPORT ABSENT",
            Command::new(crate::card::REPORT_ABSENT).data(tlv::object(0x80, &outpoint)),
        ),
        (
            "GET ANCESTOR",
            Command::new(crate::card::GET_ANCESTOR)
                .data(tlv::object(0x80, &kept.txid))
                .le(LE_SHORT),
        ),
    ];
    if capabilities.needs(Capability::Credits).is_ok() {
        let mut stream = b.values.stream("credit");
        let index = b.card.host()?.purse.next_receive;
        let (entry, _) = b.card.coin_at(&mut stream, 20_000, index)?;
        commands.push((
            "ENTER COIN of a credit",
            Command::new(Entry::CREDIT).data(entry.body()),
        ));
    }
    Ok(commands)
}

/// A card with coins and a payment, that allows payments without PIN and then no plain sessions.
fn closed(b: &mut Bench) -> Step<Request> {
    let limits = Limits {
        without_pin: 20_000,
        payments_without_pin: 50,
        ..Limits::WIDE
    };
    let profile = b.profile()?.limits(limits).policy(0);
    b.issue(&profile)?;
    needs_channel(b)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[50_000; 3])?;
    b.open_channel()?;
    let made = request(30_000);
    b.card.pay_checked(&made).preamble()?;
    b.card.select()?;
    Ok(made)
}

fn all_refused(b: &mut Bench, made: &Request, when: &str) -> Outcome {
    let tries = b.card.tries()?;
    for (name, command) in forbidden(b, made)? {
        b.card
            .send(&command)?
            .want_bare(Sw::SECURITY, name)
            .at(|| format!("in a plain session, {when}"))?;
        b.card.expect_tries(tries, name)?;
    }
    // The owner's new PIN, too; his challenge is good for something else.
    let body = new_pin_body(&Pin::new(&[1, 2, 3, 4, 5]).block());
    let challenge = b.card.challenge()?;
    let signature = b.card.owner_signature(&challenge, NEW_PIN, &body)?;
    b.card
        .once(&Command::new(NEW_PIN).data(Card::signed(&body, &signature)))?
        .want_bare(Sw::SECURITY, "RESET RETRY COUNTER with a new PIN")?;
    let signature = b.card.owner_signature(&challenge, READ_LIMITS, &[])?;
    b.card
        .send(
            &Command::new(READ_LIMITS)
                .data(Card::signed(&[], &signature))
                .le(LE_SHORT),
        )?
        .want(
            Sw::OK,
            "READ LIMITS with the challenge that a refused command left",
        )
        .map(drop)
}

fn plain_forbidden(b: &mut Bench) -> Outcome {
    let made = closed(b)?;
    all_refused(b, &made, "after ISSUE")?;
    b.card.power_cycle()?;
    all_refused(b, &made, "after a power cut")?;
    let spoilt = [&[0x8F][..], &made.encode()[1..]].concat();
    b.card
        .once(&Command::new([0x80, 0x30, 0, 0]).data(spoilt))?
        .want_bare(Sw::WRONG_DATA, "PAY that can't be decoded")?;
    b.card
        .once(&Command::new([0x80, 0x20, 0, 0]).data([0]))?
        .want_bare(Sw::WRONG_LENGTH, "RECEIVE SCRIPT with data")?;
    b.card.expect_books("after what the policy forbids")?;

    b.open_channel()?;
    b.card.verify_wrong(2)?;
    b.card.verify_right()?;
    b.card.expect_receive_script(3)?;
    // All that is left, so that the payment's change is offered.
    b.card
        .preview_checked(&request(115_000))?
        .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))?;
    b.card.ancestor(&made)?;
    b.open_channel()?;
    let small = request(1_000);
    let answer = b.card.pay_answer(&small)?;
    b.card
        .paid_as(&small, answer, true)
        .at(|| "without PIN, in a channel".to_owned())?;
    let answer = b.card.pay_answer(&made)?;
    b.card.paid_again(&made, answer)?;
    for left in [2, 1, 0] {
        b.card.verify_wrong(left)?;
    }
    b.card.select()?;
    all_refused(b, &made, "with the PIN blocked")?;
    b.open_channel()?;
    b.card.reset_tries(Some(&Pin::new(&[9, 0, 2, 1])))?;
    b.card.verify_right()?;
    b.card.expect_books("at the end")
}

fn plain_allowed(b: &mut Bench) -> Outcome {
    closed(b)?;
    b.card
        .verify(&[])?
        .want_bare(Sw::tries(3), "VERIFY without data")?;
    let mut stream = b.values.stream("another coin");
    b.card
        .fund(&mut stream, &[20_000])
        .at(|| "in a plain session".to_owned())?;
    b.open_channel()?;
    b.card.verify_wrong(2)?;
    b.card.select()?;
    let command = b.card.owner_command(SAME_PIN, &[])?;
    b.card
        .once(&command)?
        .want_bare(Sw::OK, "RESET RETRY COUNTER without a new PIN")?;
    b.card.expect_tries(3, "after RESET RETRY COUNTER")?;
    b.card.acknowledge(1, 0)?;
    b.card.set_limits(Limits::WIDE)?;
    b.card.expect_limits("in a plain session")?;
    b.card.read_account()?;
    let identity = b.card.host()?.record.identity_key;
    b.card.prove(&b.values.bytes("challenge"), &identity)?;
    let owner = crate::keys::keypair(&b.values.bytes("new owner"))?;
    b.card.change_owner(owner)?;
    b.card.expect_books("at the end")
}

fn set(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    needs_channel(b)?;
    let tell = |b: &mut Bench, policy: u8, when: &str| -> Outcome {
        match b.card.status()? {
            Status::Issued { policy: told, .. } if told == policy => {}
            other => {
                return Err(Stop::Fail(format!(
                    "{when}, policy {policy:02X}: the status is {other:?}"
                )));
            }
        }
        b.card.expect_limits(when)
    };
    for channel in [false, true] {
        for policy in [0, STATEMENTS, PLAIN | STATEMENTS, PLAIN, 0, PLAIN] {
            if channel {
                b.open_channel()?;
            } else {
                b.card.select()?;
            }
            b.card.set_policy(policy)?;
            tell(b, policy, "at once")?;
            b.card.power_cycle()?;
            tell(b, policy, "after a power cut")?;
            let block = b.card.right_block()?;
            let sw = if policy & PLAIN == 0 {
                Sw::SECURITY
            } else {
                Sw::OK
            };
            b.card
                .verify(&block)?
                .want_bare(sw, "VERIFY in a plain session")
                .at(|| format!("policy {policy:02X}"))?;
        }
    }
    // Within a session.
    b.card.select()?;
    b.card.authorise()?;
    b.card.set_policy(0)?;
    b.card
        .receive_script_answer()?
        .want_bare(Sw::SECURITY, "RECEIVE SCRIPT")?;
    b.card
        .pay_answer(&request(10_000))?
        .want_bare(Sw::SECURITY, "PAY")?;
    b.card.set_policy(PLAIN)?;
    b.card
        .expect_authorised(true, "when the policy allows plain sessions again")?;
    b.card.set_policy(STATEMENTS)?;
    b.open_channel()?;
    b.card.authorise()?;
    b.card.set_policy(0)?;
    b.card.expect_authorised(true, "in a channel")
}

fn refused(b: &mut Bench) -> Outcome {
    let body = |policy: u8| tlv::object(0x86, &[policy]);
    for bit in 2..8 {
        for policy in [1 << bit, 1 << bit | PLAIN, 1 << bit | STATEMENTS] {
            let place = || format!("policy {policy:02X}");
            b.card
                .once(&Command::new(SET_POLICY).data(Card::signed(&body(policy), &[7; 64])))?
                .want_bare(Sw::SECURITY, "SET POLICY, not signed")
                .at(place)?;
            let command = b.card.owner_command(SET_POLICY, &body(policy))?;
            b.card
                .once(&command)?
                .want_bare(Sw::WRONG_DATA, "SET POLICY")
                .at(place)?;
            b.card
                .once(&command)?
                .want_bare(Sw::SECURITY, "SET POLICY, again")
                .at(place)?;
        }
    }
    let challenge = b.card.challenge()?;
    let signature = b
        .card
        .owner_signature(&challenge, SET_POLICY, &body(PLAIN))?;
    b.card
        .once(&Command::new(SET_POLICY).data(Card::signed(&body(STATEMENTS), &signature)))?
        .want_bare(Sw::SECURITY, "SET POLICY to another value than that signed")?;
    let command = b.card.owner_command(SET_POLICY, &body(PLAIN))?;
    b.card.once(&command)?.want_bare(Sw::OK, "SET POLICY")?;
    b.card
        .once(&command)?
        .want_bare(Sw::SECURITY, "SET POLICY, replayed")?;
    b.card.expect_limits("after refusals")?;
    b.card.power_cycle()?;
    b.card.expect_limits("after refusals and a power cut")
}
