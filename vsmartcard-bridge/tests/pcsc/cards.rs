//! Cards in the real virtual reader: how they come, go, die, and serve several clients.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;
use std::{fs, io};

use crate::support::DEADLINE;
use crate::support::contacts::Contacts;
use crate::support::owner::Owner;
use crate::support::reader::{self, NAME, Session};
use pcsc::{Disposition, Error, ReaderState, State};
use tillcard_applet::ATR;
use tillcard_protocol::command::{GetData, Select, State as CardState, StatusObject};
use tillcard_test_owner::SHOP_SCRIPT;

#[test]
fn a_card_pays_through_the_reader_and_counts_as_its_client_does() {
    let _reader = reader::lock();
    let home = tempfile::tempdir().unwrap();
    let emulator = reader::insert(home.path(), &[]);
    let context = reader::client();
    let mut session = Session::new(reader::connect(&context));
    let mut owner = Owner::issue(&mut session);
    owner.enter(&mut session, 0, 100_000, 0);
    assert_eq!(owner.pay(&mut session, 21_000).1, 0x9000);
    let sent = session.end();
    assert_eq!(reader::remove(emulator), sent);

    let emulator = reader::insert(home.path(), &[]);
    let mut session = Session::new(reader::connect(&context));
    session.done(&Select::to_apdu());
    let status = StatusObject::parse(&session.done(&GetData::Status.to_apdu())).unwrap();
    assert!(
        matches!(status.state, CardState::Issued { .. }),
        "it is the same card"
    );
    assert_eq!(
        owner.pay(&mut session, 21_000).1,
        0x9000,
        "with the change of its first payment"
    );
    let sent = session.end();
    assert_eq!(reader::remove(emulator), sent);
}

#[test]
fn a_waiting_client_sees_cards_come_and_go() {
    let _reader = reader::lock();
    let home = tempfile::tempdir().unwrap();
    let (tell, told) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let context = reader::client();
        let mut states = [ReaderState::new(NAME, State::EMPTY)];
        let mut present = false;
        loop {
            context.get_status_change(DEADLINE, &mut states).unwrap();
            let state = states[0].event_state();
            if state.contains(State::PRESENT) != present {
                present = !present;
                if tell.send((present, states[0].atr().to_vec())).is_err() {
                    return;
                }
            }
            states[0].sync_current_state();
        }
    });
    for _ in 0..3 {
        let emulator = reader::insert(home.path(), &["--ephemeral"]);
        assert_eq!(told.recv().unwrap(), (true, ATR.to_vec()));
        let context = reader::client();
        let card = reader::connect(&context);
        reader::done(&card, &Select::to_apdu());
        reader::remove(emulator);
        assert_eq!(told.recv().unwrap(), (false, Vec::new()));
        let error = reader::try_transmit(&card, Select::to_apdu().as_bytes()).unwrap_err();
        assert!(
            matches!(error, Error::RemovedCard | Error::ResetCard),
            "{error}"
        );
    }
    drop(told);
    // One more card, so that the client wakes up and sees that nobody listens any more.
    let emulator = reader::insert(home.path(), &["--ephemeral"]);
    waiting.join().unwrap();
    reader::remove(emulator);
}

#[test]
fn two_clients_take_turns() {
    const TURNS: usize = 20;
    let _reader = reader::lock();
    let home = tempfile::tempdir().unwrap();
    let emulator = reader::insert(home.path(), &["--ephemeral"]);
    let (say, heard) = mpsc::channel();
    let clients: Vec<_> = ["till", "owner"]
        .into_iter()
        .map(|name| {
            let say = say.clone();
            thread::spawn(move || {
                let context = reader::client();
                let mut card = reader::connect(&context);
                for _ in 0..TURNS {
                    let turn = card.transaction().unwrap();
                    say.send((name, "begins")).unwrap();
                    reader::done(&turn, &Select::to_apdu());
                    reader::done(&turn, &GetData::Status.to_apdu());
                    reader::done(&turn, &GetData::Capabilities.to_apdu());
                    say.send((name, "ends")).unwrap();
                    turn.end(Disposition::LeaveCard)
                        .map_err(|(_, error)| error)
                        .unwrap();
                }
                reader::leave(card);
            })
        })
        .collect();
    drop(say);
    let heard: Vec<_> = heard.iter().collect();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(heard.len(), 4 * TURNS);
    for turn in heard.chunks(2) {
        assert_eq!(
            (turn[0].0, turn[0].1, turn[1].1),
            (turn[1].0, "begins", "ends"),
            "{heard:?}"
        );
    }
    assert_eq!(reader::remove(emulator), 2 * TURNS as u64 * 3);
}

#[test]
fn a_card_that_dies_in_the_middle_of_a_command_is_a_removal() {
    let _reader = reader::lock();
    let home = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let emulator = reader::insert(home.path(), &[]);
        let context = reader::client();
        let card = reader::connect(&context);
        reader::done(&card, &Select::to_apdu());

        // The card stands still, so that the command is surely on its way when the card dies.
        emulator.signal("STOP");
        let before = waiting_bytes(emulator.id());
        let sent = thread::spawn(move || {
            let long = [&[0x80, 0x22, 0x01, 0x00, 0xFF][..], &[0; 0xFF]].concat();
            let answer = reader::try_transmit(&card, &long);
            // With a reset instead, pcscd would call the slot empty at once, and then take a card
            // that comes before its next look for the one that died.
            reader::leave(card);
            answer
        });
        let started = Instant::now();
        while waiting_bytes(emulator.id()) < before + 0xFF {
            assert!(
                started.elapsed() < DEADLINE,
                "the command doesn't reach the card"
            );
            thread::yield_now();
        }
        emulator.kill();
        sent.join()
            .unwrap()
            .expect_err("a dead card answers nothing");
        reader::wait_for(State::EMPTY);
    }
    let emulator = reader::insert(home.path(), &[]);
    let context = reader::client();
    reader::done(&reader::connect(&context), &Select::to_apdu());
    reader::remove(emulator);
}

/// Bytes that arrived at a process's one TCP connection and were not read (`proc(5)`).
fn waiting_bytes(process: u32) -> usize {
    let sockets = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let inodes: Vec<String> = sockets
        .filter_map(|entry| Some(fs::read_link(entry.ok()?.path()).ok()?.to_str()?.to_owned()))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let connection = table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let ours = inodes.iter().any(|inode| inode == columns[9]);
        ours.then(|| columns[4].split_once(':').unwrap().1.to_owned())
    });
    usize::from_str_radix(&connection.expect("a connection"), 16).unwrap()
}

#[test]
fn a_second_card_waits_for_the_slot() {
    let _reader = reader::lock();
    let home = tempfile::tempdir().unwrap();
    let first = reader::insert(home.path(), &["--ephemeral"]);
    let mut second = reader::start(home.path(), &["--ephemeral"]);
    let told = second.error_line();
    let waits = format!("waiting: {}", reader::slot_name());
    assert!(told.starts_with(&waits), "{told}");
    first.signal("TERM");
    assert!(first.end().status.success());
    let inserted = format!("card inserted in {}", reader::slot_name());
    assert_eq!(second.line(), inserted);
    let context = reader::client();
    reader::wait_for(State::PRESENT);
    reader::done(&reader::connect(&context), &Select::to_apdu());
    assert_eq!(reader::remove(second), 1);
}

#[test]
fn extended_length_passes_the_reader_whole() {
    let _reader = reader::lock();
    let home = tempfile::tempdir().unwrap();
    let emulator = reader::insert(home.path(), &["--ephemeral"]);
    let context = reader::client();
    let mut session = Session::new(reader::connect(&context));
    let mut owner = Owner::issue(&mut session);
    for index in 0..3 {
        owner.enter(&mut session, index, 10_000, index);
    }
    session.done(&crate::support::owner::verify(crate::support::owner::PIN));
    let short = crate::support::owner::pay(25_000);
    let body = 5..short.as_bytes().len() - 1;
    let data = &short.as_bytes()[body];
    let extended = [
        &short.as_bytes()[..4],
        &[0, 0, data.len() as u8],
        data,
        &[0, 0],
    ]
    .concat();
    let mut answer = session.exchange(&extended).unwrap();
    assert_eq!(answer.split_off(answer.len() - 2), [0x90, 0x00]);
    assert!(answer.len() > 256, "three inputs don't fit a short answer");
    assert!(
        answer
            .windows(SHOP_SCRIPT.len())
            .any(|window| window == SHOP_SCRIPT)
    );
    owner.check_payment(&answer, 25_000);
    session.end();
    reader::remove(emulator);
}

/// Nothing of the above may be skipped without a word.
#[test]
fn the_reader_is_there() -> io::Result<()> {
    let _reader = reader::lock();
    let mut names = vec![
        0;
        reader::client()
            .list_readers_len()
            .map_err(io::Error::other)?
    ];
    let context = reader::client();
    let names: Vec<_> = context
        .list_readers(&mut names)
        .map_err(io::Error::other)?
        .collect();
    assert!(names.contains(&NAME), "{names:?}");
    Ok(())
}
