//! The suite's own end of a channel: it says and reads, to the byte, what the worked examples of
//! the protocol text have, and takes no answer whose MAC isn't whole and right.

use tillcard_conform::apdu::{Answer, Command};
use tillcard_conform::card::Form;
use tillcard_conform::channel::{Channel, Ephemeral, MAC};
use tillcard_conform::outcome::{Stop, Verdict};

/// Where the answer to ISSUE has the agreement key.
const AGREEMENT_KEY: std::ops::Range<usize> = 106..139;
/// The client's ephemeral secret in the examples.
const SECRET: [u8; 32] = [0x44; 32];

/// A line of the examples that has bytes, and what stands before them.
struct Line {
    mark: String,
    bytes: Vec<u8>,
}

/// The lines of all examples; those that go on are put together.
fn lines() -> Vec<Line> {
    let text = std::fs::read_to_string("../docs/protocol.md").unwrap();
    let examples = text.split("## 13. Worked examples").nth(1).unwrap();
    let mut lines: Vec<Line> = Vec::new();
    for line in examples.lines() {
        let (mark, text) = match line.split_once(['>', '<']) {
            Some((before, text)) if before.is_empty() || before == "plain " => {
                (&line[..=before.len()], text)
            }
            _ if line.starts_with("  ") => ("", line),
            _ => continue,
        };
        let Ok(bytes) = hex::decode(text.replace(' ', "")) else {
            continue;
        };
        match lines.last_mut() {
            Some(last) if mark.is_empty() => last.bytes.extend(bytes),
            _ => lines.push(Line {
                mark: mark.to_owned(),
                bytes,
            }),
        }
    }
    lines
}

/// A short command; its Le isn't needed.
fn command(apdu: &[u8]) -> Command {
    let (header, rest) = apdu.split_first_chunk().unwrap();
    match rest {
        [] | [_] => Command::new(*header),
        [lc, data @ ..] => Command::new(*header).data(&data[..usize::from(*lc)]),
    }
}

fn answer(bytes: &[u8]) -> Answer {
    Answer::split([0; 4], bytes.to_vec()).unwrap()
}

/// What the examples say of the channel in them: its opening, and each protected exchange as it
/// is plain and as it is sent.
struct Example {
    agreement: [u8; 33],
    opened: Vec<u8>,
    exchanges: Vec<[Vec<u8>; 4]>,
}

fn example() -> Example {
    let lines = lines();
    let at = |found: &dyn Fn(&Line) -> bool| lines.iter().position(found).unwrap();
    let opening = at(&|line| line.mark == ">" && line.bytes.starts_with(&[0x80, 0x88]));
    let issue = (lines[..opening].iter())
        .rposition(|line| line.mark == ">" && line.bytes.starts_with(&[0x80, 0x10]))
        .unwrap();
    let own = Ephemeral::new(&SECRET).unwrap();
    assert_eq!(lines[opening].bytes[5..88], own.field());
    let mut exchanges = Vec::new();
    let mut rest = &lines[opening + 2..];
    while let [plain, sent, got, opened, after @ ..] = rest
        && plain.mark == "plain >"
    {
        assert_eq!(
            [&sent.mark[..], &got.mark, &opened.mark],
            [">", "<", "plain <"]
        );
        exchanges.push([plain, sent, got, opened].map(|line| line.bytes.clone()));
        rest = after;
    }
    Example {
        agreement: lines[issue + 1].bytes[AGREEMENT_KEY].try_into().unwrap(),
        opened: lines[opening + 1].bytes[..86].to_vec(),
        exchanges,
    }
}

fn open(example: &Example) -> Channel {
    let own = Ephemeral::new(&SECRET).unwrap();
    Channel::open(&own, &example.agreement, &example.opened)
        .unwrap()
        .0
}

#[test]
fn the_worked_examples_are_said_and_read() {
    let example = example();
    let mut channel = open(&example);
    for [plain, sent, got, opened] in &example.exchanges {
        let apdu = channel.protect(&command(plain), Form::Short).unwrap();
        assert_eq!(hex::encode(apdu), hex::encode(sent));
        let read = channel.open_answer(answer(got)).unwrap();
        assert!(read == answer(opened), "{}", hex::encode(opened));
    }
    assert!(example.exchanges.len() >= 5, "{}", example.exchanges.len());
}

#[test]
fn an_answer_without_a_whole_and_right_mac_is_refused() {
    let example = example();
    let mut channel = open(&example);
    for [plain, _, got, _] in &example.exchanges {
        let before = channel.clone();
        channel.protect(&command(plain), Form::Short).unwrap();
        let at = got.len() - 2;
        let (data, sw) = got.split_at(at);
        let refused = |data: &[u8], sw: &[u8], what: &str| {
            let whole = [data, sw].concat();
            let read = channel.open_answer(answer(&whole)).err();
            let verdict = read.map(Stop::into_parts).map(|(verdict, _)| verdict);
            assert_eq!(verdict, Some(Verdict::Fail), "{what}");
        };
        if data.is_empty() {
            // A refusal made into a success.
            refused(&[], &[0x90, 0x00], "a refusal said to be done");
            refused(&[0; MAC], &[0x63, 0xC3], "a refusal said to be a warning");
            continue;
        }
        for missing in 1..=MAC {
            refused(&data[..at - missing], sw, "a MAC cut off");
        }
        for byte in 0..at {
            let mut changed = data.to_vec();
            changed[byte] ^= 1;
            refused(&changed, sw, "a byte changed");
        }
        for other in [[0x90, 0x00], [0x63, 0xC2], [0x63, 0xC0]] {
            if other != sw {
                refused(data, &other, "another status word");
            }
        }
        // An answer to another command.
        let read = before.open_answer(answer(got)).err();
        assert!(matches!(read, Some(Stop::Fail(_))), "an answer of before");
    }
}

#[test]
fn an_opening_by_another_card_is_refused() {
    let example = example();
    let own = Ephemeral::new(&SECRET).unwrap();
    let opens =
        |agreement: &[u8; 33], answer: &[u8]| Channel::open(&own, agreement, answer).is_ok();
    assert!(opens(&example.agreement, &example.opened));
    for at in 0..example.opened.len() {
        let mut changed = example.opened.clone();
        changed[at] ^= 1;
        assert!(!opens(&example.agreement, &changed), "byte {at}");
    }
    let mut negated = example.agreement;
    negated[0] ^= 1;
    // The x coordinate that both have in common is the same for a point and its negative.
    assert!(opens(&negated, &example.opened));
    let other = Ephemeral::new(&[0x45; 32]).unwrap().public();
    let mut agreement = [0; 33];
    agreement[0] = 0x02 | (other[64] & 1);
    agreement[1..].copy_from_slice(&other[1..33]);
    assert!(!opens(&agreement, &example.opened));
    assert!(!opens(&[0xFF; 33], &example.opened));
}
