//! The commands, in the order of the text's sections, and which rule each follows in
//! which state.

use super::rules::Rule;
use super::world::{LIMITS, World};
use bitcoin::{ScriptBuf, consensus::serialize};
use tillcard_testkit::card::{SELECT, objects};
use tillcard_testkit::oracle::model::announcement;
use tillcard_testkit::oracle::owner::{Unsigned, funding};
use tillcard_testkit::oracle::random::Random;

/// A command that is well formed and possible.
pub enum What {
    Open,
    Command([u8; 4], Vec<u8>),
    Signed([u8; 4], Vec<u8>),
    ChangeOwnerKey,
}

pub struct Row {
    pub name: &'static str,
    pub what: What,
    /// In the states, in the order of [`State::ALL`].
    pub rules: [Rule; 5],
}

/// The rows, in the order of the text's sections.
pub fn rows(world: &World) -> Vec<Row> {
    use Rule::*;
    let same = |rule| [rule; 5];
    let everywhere = |factory, rule| [Is(factory), rule, rule, rule, Is(0x6985)];
    let owner = |status| everywhere(0x6985, Owner(status));
    let holder = |status| everywhere(0x6985, Holder(status));
    let plain = |header, data: &[u8]| What::Command(header, data.to_vec());
    let signed = |header, body: &[u8]| What::Signed(header, body.to_vec());
    let number = |number: u32| objects(&[(0x80, &number.to_be_bytes())]);
    let request = world.request.data();
    let (transaction, outpoint) = funding(&mut Random::new(9), &world.wallet.script((0, 3)), 9_000);
    let coin = announcement(&outpoint, (0, 3));
    let unsigned = Unsigned {
        version: 2,
        lock_time: 0,
        inputs: vec![(outpoint, 0, 9_000, (0, 5))],
        outputs: vec![(8_000, Err(ScriptBuf::from(vec![0x51; 34])))],
    };
    let seen = objects(&[(0x80, &1u32.to_be_bytes()), (0x81, &0u32.to_be_bytes())]);
    let statement = objects(&[(0x80, &[1; 32]), (0x81, &[2; 32])]);
    let identity = objects(&[(0x80, &[3; 16])]);
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
            "PAY again only, nothing paid",
            plain([0x80, 0x30, 1, 0], &request),
            everywhere(0x6985, Shop(0x6A88)),
        ),
        row(
            "PAYMENT STATE",
            plain([0x80, 0x38, 0, 0], &identity),
            everywhere(0x6985, Shop(0x9000)),
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
            everywhere(0x6985, OwnerInChannel(0x9000)),
        ),
        row(
            "an instruction of none",
            plain([0x80, 0x99, 0, 0], &[]),
            same(Is(0x6D00)),
        ),
    ]
}
