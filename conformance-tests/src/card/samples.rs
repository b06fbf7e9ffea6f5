//! One well-formed command for each instruction.

use super::{
    ACKNOWLEDGE_LOG, CHANGE_OWNER_KEY, Card, Entry, FACTORY_RESET, GET_ANCESTOR, NEW_PIN,
    PAYMENT_STATE, READ_ACCOUNT, READ_COINS, READ_COINS_ON, READ_LIMITS, READ_LOG, REPORT_ABSENT,
    RESOLVE, SAME_PIN, SET_LIMITS, SET_POLICY, STATEMENT, TERMINATE, new_owner_body, new_pin_body,
};
use crate::apdu::{Command, LE_SHORT};
use crate::forms::Sample;
use crate::model::{Limits, Profile, Request, Spend};
use crate::outcome::Step;
use crate::tlv;
use crate::tx::raw;
use crate::values::Values;

/// Answered with `9000` or `6A88`, as the card's maker left it.
pub const CERTIFICATES: &str = "GET DATA, certificates";
/// The two commands that change a factory card which nobody personalised.
pub const GENERATE_OWN: &str = "GENERATE, the card's own keys";
pub const PUT_DATA: &str = "PUT DATA";

/// Every command but SELECT, GET RESPONSE, ISSUE with an imported key and the opening of a channel,
/// each well-formed, none with authority. VERIFY has a wrong PIN, and the credit is one that no card takes.
pub fn samples(values: &Values, request: &Request) -> Step<Vec<Sample>> {
    let profile = Profile::new(values, "samples")?;
    let entry = Entry {
        txid: values.bytes("sample txid"),
        vout: 0,
        place: 0,
    };
    let credit = entry.place(4096);
    let signature = values.bytes("no signature");
    let unsigned = |body: &[u8]| Card::signed(body, &signature);
    let number = tlv::object(0x80, &[0; 4]);
    let numbers = [number.clone(), tlv::object(0x81, &[0; 4])].concat();
    let limits = tlv::object(0x85, &Limits::WIDE.encode());
    let outpoint = [&entry.txid[..], &[0; 4]].concat();
    let signing = [
        tlv::object(0x80, &[0, 0, 0, 2]),
        tlv::object(0x81, &[0; 4]),
        tlv::object(0x82, &[1]),
        tlv::object(0x83, &[1]),
        tlv::object(0x84, &entry.txid),
    ]
    .concat();
    let owner = profile.owner.x_only_public_key().0.serialize();
    let new_owner = new_owner_body(&owner, &signature);
    let request = request.encode();
    let sample = |name, command| Sample { name, command };
    Ok(vec![
        sample(
            "GET DATA, status",
            Command::new([0x00, 0xCA, 0x01, 0x00]).le(LE_SHORT),
        ),
        sample(
            "GET DATA, capabilities",
            Command::new([0x00, 0xCA, 0x01, 0x01]).le(LE_SHORT),
        ),
        sample(
            CERTIFICATES,
            Command::new([0x00, 0xCA, 0xBF, 0x21])
                .data([0xA6, 0x04, 0x83, 0x02, 0x13, 0x01])
                .le(LE_SHORT),
        ),
        sample(
            "INTERNAL AUTHENTICATE",
            Command::new([0x00, 0x88, 0, 0])
                .data(entry.txid)
                .le(LE_SHORT),
        ),
        sample(GENERATE_OWN, Command::new([0x00, 0x46, 0, 1]).le(LE_SHORT)),
        sample(
            PUT_DATA,
            Command::new([0x00, 0xDA, 0x02, 0x00]).data(entry.txid),
        ),
        sample("PUT DATA, the end", Command::new([0x00, 0xDA, 0x02, 0xFF])),
        sample("GENERATE", Command::new([0x00, 0x46, 0, 0]).le(LE_SHORT)),
        sample(
            "ISSUE",
            Command::new([0x80, 0x10, 0, 0])
                .data(profile.encode())
                .le(LE_SHORT),
        ),
        sample(
            "VERIFY",
            Command::new([0x00, 0x20, 0, 0x80]).data(profile.pin.block()),
        ),
        sample("VERIFY without data", Command::new([0x00, 0x20, 0, 0x80])),
        sample("GET CHALLENGE", Command::new([0x00, 0x84, 0, 0]).le(16)),
        sample(
            "RECEIVE SCRIPT",
            Command::new([0x80, 0x20, 0, 0]).le(LE_SHORT),
        ),
        sample(
            "ENTER COIN, first command",
            Command::new(Entry::BEGIN).data(unsigned(&entry.body())),
        ),
        sample(
            "ENTER COIN of a credit",
            Command::new(Entry::CREDIT).data(credit.body()),
        ),
        sample(
            "ENTER COIN, a piece",
            Command::new(Entry::PIECE).data(raw::VERSION),
        ),
        sample(
            "PREVIEW",
            Command::new([0x80, 0x32, 0, 0])
                .data(request.clone())
                .le(LE_SHORT),
        ),
        sample(
            "PAY",
            Command::new([0x80, 0x30, 0, 0]).data(request).le(LE_SHORT),
        ),
        sample(
            "REPORT ABSENT",
            Command::new(REPORT_ABSENT).data(tlv::object(0x80, &outpoint)),
        ),
        sample(
            "GET ANCESTOR",
            Command::new(GET_ANCESTOR)
                .data(tlv::object(0x80, &entry.txid))
                .le(LE_SHORT),
        ),
        sample(
            "PAYMENT STATE",
            Command::new(PAYMENT_STATE)
                .data(tlv::object(0x80, &[7; 16]))
                .le(LE_SHORT),
        ),
        sample(
            "READ COINS",
            Command::new(READ_COINS).data(unsigned(&[])).le(LE_SHORT),
        ),
        sample(
            "READ COINS, the next part",
            Command::new(READ_COINS_ON).le(LE_SHORT),
        ),
        sample(
            "READ LOG",
            Command::new(READ_LOG).data(unsigned(&number)).le(LE_SHORT),
        ),
        sample(
            "ACKNOWLEDGE LOG",
            Command::new(ACKNOWLEDGE_LOG).data(unsigned(&numbers)),
        ),
        sample(
            "SET LIMITS",
            Command::new(SET_LIMITS).data(unsigned(&limits)),
        ),
        sample(
            "RESET RETRY COUNTER, a new PIN",
            Command::new(NEW_PIN).data(unsigned(&new_pin_body(&profile.pin.block()))),
        ),
        sample(
            "RESET RETRY COUNTER",
            Command::new(SAME_PIN).data(unsigned(&[])),
        ),
        sample(
            "CHANGE OWNER KEY",
            Command::new(CHANGE_OWNER_KEY).data(unsigned(&new_owner)),
        ),
        sample(
            "READ LIMITS",
            Command::new(READ_LIMITS).data(unsigned(&[])).le(LE_SHORT),
        ),
        sample(
            "READ ACCOUNT",
            Command::new(READ_ACCOUNT).data(unsigned(&[])).le(LE_SHORT),
        ),
        sample("RESOLVE", Command::new(RESOLVE).data(unsigned(&number))),
        sample(
            "SET POLICY",
            Command::new(SET_POLICY).data(unsigned(&tlv::object(0x86, &[0]))),
        ),
        sample(
            "FACTORY RESET",
            Command::new(FACTORY_RESET).data(unsigned(&[])),
        ),
        sample(
            "TERMINATE CARD USAGE",
            Command::new(TERMINATE).data(unsigned(&[])),
        ),
        sample(
            "STATEMENT",
            Command::new(STATEMENT)
                .data(
                    [
                        tlv::object(0x80, &entry.txid),
                        tlv::object(0x81, &entry.txid),
                    ]
                    .concat(),
                )
                .le(LE_SHORT),
        ),
        sample(
            "SIGN, first command",
            Command::new(Spend::BEGIN).data(unsigned(&signing)),
        ),
        sample(
            "SIGN, a piece",
            Command::new(Spend::PIECE).data([0; 8]).le(LE_SHORT),
        ),
        sample(
            "SIGN, a signature",
            Command::new([0x80, 0x40, 0x02, 0x00]).le(LE_SHORT),
        ),
    ])
}
