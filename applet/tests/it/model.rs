//! Random commands against a plain model of the text: 1000 cards, 30 commands
//! each, with power that fails between them, half of them inside channels.

use crate::sequences::{Met, sequence};
use tillcard_testkit::channel::InChannel;

#[test]
fn a_thousand_sequences_of_thirty_commands() {
    let mut met = Met::new();
    for seed in 0..500 {
        sequence(seed, &mut met, |card, _| card);
    }
    for seed in 500..1000 {
        sequence(seed, &mut met, |card, wallet| {
            InChannel::new(card, &wallet.card_keys.agreement)
        });
    }
    for ((command, status), count) in &met {
        println!("{command:20} {status:04X} {count:6}");
    }
    // What the sequences must have come by, or they show little.
    for needed in [
        ("PAY", 0x9000),
        ("PAY again", 0x9000),
        ("PAY", 0x6982),
        ("PAY", 0x9401),
        ("PAY", 0x9404),
        ("PAY", 0x9411),
        ("PAY", 0x9412),
        ("PREVIEW", 0x9000),
        ("PREVIEW", 0x9403),
        ("PREVIEW", 0x9405),
        ("PREVIEW", 0x9406),
        ("PREVIEW", 0x9407),
        ("PREVIEW", 0x9408),
        ("REPORT ABSENT", 0x9000),
        ("REPORT ABSENT", 0x9414),
        ("GET ANCESTOR", 0x9000),
        ("GET ANCESTOR", 0x9413),
        ("ENTER COIN", 0x9000),
        ("ENTER COIN", 0x6A89),
        ("ENTER COIN", 0x940F),
        ("ENTER COIN", 0x9410),
        ("credit", 0x9000),
        ("SIGN", 0x9000),
        ("RESOLVE", 0x9000),
        ("RESOLVE", 0x6985),
        ("ACKNOWLEDGE LOG", 0x9000),
        ("SET LIMITS", 0x9000),
        ("SET LIMITS", 0x6985),
        ("VERIFY", 0x6983),
        ("RESET RETRY COUNTER", 0x9000),
        ("RESET RETRY COUNTER", 0x6A80),
        ("READ LIMITS", 0x9000),
        ("READ ACCOUNT", 0x9000),
        ("RESET RETRY COUNTER", 0x6982),
        ("SET POLICY", 0x9000),
        ("SET POLICY", 0x6A80),
        ("STATEMENT", 0x9000),
        ("STATEMENT", 0x6982),
        ("STATEMENT", 0x6A88),
        ("STATEMENT", 0x9417),
        ("SIGN pledged", 0x9416),
    ] {
        assert!(met.contains_key(&needed), "{} {:04X}", needed.0, needed.1);
    }
}
