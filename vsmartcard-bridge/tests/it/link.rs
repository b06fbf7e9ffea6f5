//! The link to vpcd, against a driver that this test plays.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::driver::{self, Driver, GET_ATR, POWER_OFF, POWER_ON, RESET};
use crate::support::scripted::Scripted;
use tillcard_emu::slot::CardFault;
use tillcard_emu::vpcd::{Address, Link, LinkError, Remover, Waited};

const ATR: [u8; 4] = [0x3B, 0x82, 0x01, 0x02];

/// How serving the card ended, and how often it was reset.
type Served = (Result<(), LinkError>, usize);

/// Puts a card that answers so into a new reader.
fn insert<F>(answer: F) -> (driver::Card, Remover, JoinHandle<Served>)
where
    F: FnMut(&[u8]) -> Result<Vec<u8>, CardFault> + Send + 'static,
{
    insert_with_atr(ATR.into(), answer)
}

fn insert_with_atr<F>(atr: Vec<u8>, answer: F) -> (driver::Card, Remover, JoinHandle<Served>)
where
    F: FnMut(&[u8]) -> Result<Vec<u8>, CardFault> + Send + 'static,
{
    let driver = Driver::new();
    let link = Link::connect(&Address::new("127.0.0.1", driver.port())).unwrap();
    let remover = link.remover();
    let served = thread::spawn(move || {
        let mut card = Scripted::new(atr, answer);
        (link.serve(&mut card), card.resets)
    });
    (driver.accept(), remover, served)
}

/// Answers with the command and 9000.
fn echo(command: &[u8]) -> Result<Vec<u8>, CardFault> {
    Ok([command, &[0x90, 0x00]].concat())
}

fn of_length(length: usize) -> impl FnMut(&[u8]) -> Result<Vec<u8>, CardFault> {
    move |_| Ok(vec![0x90; length])
}

#[test]
fn the_reader_gets_the_atr_and_the_answers_and_nothing_else() {
    let (mut reader, remover, served) = insert(echo);
    reader.control(POWER_ON);
    assert_eq!(reader.atr(), ATR);
    reader.control(RESET);
    assert_eq!(
        reader.transmit(&[0, 0xA4, 4, 0]),
        [0, 0xA4, 4, 0, 0x90, 0x00]
    );
    reader.control(POWER_OFF);
    assert_eq!(reader.transmit(&[1, 2]), [1, 2, 0x90, 0x00]);
    remover.remove();
    let (result, resets) = served.join().unwrap();
    result.unwrap();
    assert_eq!(resets, 3, "on, reset, off");
    assert_eq!(reader.rest(), b"");
}

#[test]
fn an_apdu_of_one_byte_or_of_none_is_answered_and_the_card_stays() {
    let (mut reader, _, _) = insert(|command: &[u8]| {
        Ok(if command.len() < 4 {
            vec![0x67, 0x00]
        } else {
            vec![0x90, 0x00]
        })
    });
    for byte in [3, 5, 0x80, 0xFF] {
        assert_eq!(reader.transmit(&[byte]), [0x67, 0x00], "{byte:02X}");
    }
    assert_eq!(reader.transmit(&[]), [0x67, 0x00]);
    assert_eq!(reader.transmit(&[0, 0, 0, 0]), [0x90, 0x00]);
}

#[test]
fn the_longest_frames_pass() {
    let longest = usize::from(u16::MAX);
    let (mut reader, _, _) = insert(of_length(longest));
    assert_eq!(reader.transmit(&vec![0; longest]), vec![0x90; longest]);
}

#[test]
fn an_answer_that_no_frame_can_carry_takes_the_card_out() {
    for length in [0, 1, 65_536] {
        let (mut reader, _, served) = insert(of_length(length));
        reader.send_frame(&[0, 0, 0, 0]).unwrap();
        assert_eq!(
            reader.rest(),
            b"",
            "not even the length of an answer is sent"
        );
        let (result, _) = served.join().unwrap();
        assert!(
            matches!(result, Err(LinkError::Answer(was)) if was == length),
            "{result:?}"
        );
    }
}

#[test]
fn an_atr_that_is_none_never_reaches_the_reader() {
    for length in [0, 1, 34] {
        let (mut reader, _, served) = insert_with_atr(vec![0; length], echo);
        // The card may be gone already.
        let _ = reader.send_frame(&[GET_ATR]);
        assert_eq!(reader.rest(), b"");
        let (result, _) = served.join().unwrap();
        assert!(
            matches!(result, Err(LinkError::Atr(was)) if was == length),
            "{result:?}"
        );
    }
}

#[test]
fn a_card_that_fails_leaves_without_an_answer() {
    let (mut reader, _, served) = insert(|_: &[u8]| Err("the disk is full".into()));
    reader.send_frame(&[0, 0, 0, 0]).unwrap();
    assert_eq!(reader.rest(), b"");
    let (result, _) = served.join().unwrap();
    assert_eq!(result.unwrap_err().to_string(), "the disk is full");
}

#[test]
fn a_removal_during_a_command_lets_the_answer_out() {
    let (started, has_started) = mpsc::channel();
    let (proceed, may_proceed) = mpsc::channel();
    let (mut reader, remover, served) = insert(move |_: &[u8]| {
        started.send(()).unwrap();
        may_proceed.recv().unwrap();
        Ok(vec![0x90, 0x00])
    });
    reader.send_frame(&[0, 0, 0, 0]).unwrap();
    has_started.recv().unwrap();
    remover.remove();
    proceed.send(()).unwrap();
    assert_eq!(reader.receive().unwrap(), [0x90, 0x00]);
    served.join().unwrap().0.unwrap();
    assert_eq!(reader.rest(), b"");
}

#[test]
fn a_reader_that_goes_away_is_told_from_a_removal() {
    let (reader, _, served) = insert(echo);
    drop(reader);
    let (result, _) = served.join().unwrap();
    assert!(matches!(result, Err(LinkError::ReaderGone)), "{result:?}");
}

#[test]
fn a_reader_that_goes_away_within_a_frame_is_told_too() {
    let (mut reader, _, served) = insert(echo);
    reader.send_bytes(&[0, 5, 0, 0xA4]).unwrap();
    drop(reader);
    let (result, _) = served.join().unwrap();
    assert!(matches!(result, Err(LinkError::ReaderGone)), "{result:?}");
}

#[test]
fn a_busy_slot_is_noticed_and_waited_for() {
    let driver = Driver::new();
    let link = Link::connect(&Address::new("127.0.0.1", driver.port())).unwrap();
    assert_eq!(
        link.wait(Some(Duration::from_millis(1))).unwrap(),
        Waited::NotYet
    );
    let mut reader = driver.accept();
    reader.control(POWER_ON);
    assert_eq!(link.wait(None).unwrap(), Waited::Inserted);
    assert_eq!(
        link.wait(None).unwrap(),
        Waited::Inserted,
        "waiting takes nothing away"
    );
    let remover = link.remover();
    let served = thread::spawn(move || link.serve(&mut Scripted::new(ATR.into(), echo)));
    assert_eq!(reader.atr(), ATR);
    remover.remove();
    served.join().unwrap().unwrap();
}

#[test]
fn a_card_that_waits_for_its_slot_can_be_removed() {
    let driver = Driver::new();
    let link = Link::connect(&Address::new("127.0.0.1", driver.port())).unwrap();
    let remover = link.remover();
    let waiting = thread::spawn(move || link.wait(None).unwrap());
    remover.remove();
    assert_eq!(waiting.join().unwrap(), Waited::Removed);
}

#[test]
fn a_reader_that_ends_while_a_card_waits_is_gone() {
    let driver = Driver::new();
    let link = Link::connect(&Address::new("127.0.0.1", driver.port())).unwrap();
    drop(driver.accept());
    assert!(matches!(link.wait(None), Err(LinkError::ReaderGone)));
}

#[test]
fn without_a_reader_the_user_is_told_what_to_do() {
    let port = Driver::new().port();
    let error = Link::connect(&Address::new("127.0.0.1", port))
        .err()
        .unwrap();
    assert!(matches!(error, LinkError::NothingListens(_)));
    let text = error.to_string();
    for part in [
        &format!("127.0.0.1:{port}"),
        "sudo apt-get install pcscd vsmartcard-vpcd",
        "pcscd",
    ] {
        assert!(text.contains(part), "{text}");
    }

    let error = Link::connect(&Address::new("nowhere.invalid", port))
        .err()
        .unwrap();
    assert!(matches!(error, LinkError::Unreachable(..)), "{error}");
}

/// The driver writes a frame in two pieces, of which the second waits for the first one's
/// acknowledgement. Where that is delayed, as is the default, it takes 40 ms.
#[cfg(target_os = "linux")]
#[test]
fn a_frame_in_two_writes_is_not_held_up() {
    const COMMANDS: u32 = 100;
    let (mut reader, _, _) = insert(echo);
    let started = Instant::now();
    for _ in 0..COMMANDS {
        reader.transmit(&[0, 0, 0, 0]);
    }
    let each = started.elapsed() / COMMANDS;
    assert!(
        each < Duration::from_millis(10),
        "{each:?} for each command"
    );
}
