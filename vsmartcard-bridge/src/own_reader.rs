//! Cards in readers of the emulator's own, for as long as a command runs, or until a signal.

use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tillcard_emu::control::Control;
use tillcard_emu::pcsc_socket::{Notice, SOCKET_VARIABLE};
use tillcard_emu::test_cards::TestCard;
use tillcard_emu::tray::{CardPort, Tray};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::tell;

/// The reader's name when none is given, with the two numbers that pcscd gives each reader.
pub const DEFAULT_NAME: &str = "Tillcard Emulator 00 00";

/// Where a command finds the control interface, and by which token.
const URL_VARIABLE: &str = "TILLCARD_EMU_URL";
const TOKEN_VARIABLE: &str = "TILLCARD_EMU_TOKEN";

/// Where a command finds the chain on which the cards' coins are.
const CHAIN_VARIABLE: &str = "TILLCARD_CHAIN";

/// Where a command's cards can connect to, with commas between the addresses.
const CARDS_VARIABLE: &str = "TILLCARD_EMU_CARDS_FROM";

/// What ends the cards' time in the readers.
enum End {
    Signal(i32),
    Command(io::Result<ExitStatus>),
    CardLeft,
}

/// Where the lines on the card go: a command has standard output for itself.
pub fn output(arguments: &Arguments) -> Box<dyn Write> {
    match arguments.command.is_empty() {
        true => Box::new(io::stdout()),
        false => Box::new(io::stderr()),
    }
}

/// Shows the cards until the command ends, or the last card leaves, or a signal comes; in it, what the
/// program ends with.
pub fn show(
    cards: Vec<TestCard>,
    arguments: &Arguments,
) -> Result<Result<ExitCode, Failure>, Failure> {
    let shown = cards.len();
    if shown + arguments.cards_from.len() > arguments.reader.len() {
        return Err(Failure::TooFewReaders);
    }
    let seed = arguments.seed.unwrap_or(0);
    let notice = match arguments.like_pcscd {
        true => Notice::LikePcscd,
        false => Notice::AtOnce,
    };
    let tray = Tray::open_with(arguments.pcsc_socket.as_deref(), seed, notice)?;
    let tray = Arc::new(tray);
    for file in crate::trace_files(arguments)? {
        tray.trace_to(file);
    }
    if arguments.control.is_some()
        && let Some(faucet) = crate::faucet(arguments)?
    {
        tray.fund_from(Box::new(faucet));
    }
    for reader in &arguments.reader {
        match arguments.pin_pad {
            true => tray.add_reader_with_pin_pad(reader)?,
            false => tray.add_reader(reader)?,
        }
    }
    let (ended, end) = mpsc::channel();
    send_signals(ended.clone()).map_err(Failure::Signals)?;
    let mut watchers = Vec::new();
    for (card, reader) in cards.into_iter().zip(&arguments.reader) {
        let name = card.about.name.clone();
        tray.add_card(card)?;
        tray.insert(reader, &name)?;
        if arguments.control.is_none() {
            watchers.push(watch(Arc::clone(&tray), reader.clone(), ended.clone()));
        }
    }
    let mut ports = Vec::new();
    for (reader, address) in arguments.reader[shown..].iter().zip(&arguments.cards_from) {
        let port = CardPort::open(Arc::clone(&tray), reader, *address)?;
        ports.push((reader.as_str(), port));
    }
    let control = arguments
        .control
        .map(|at| Control::start(Arc::clone(&tray), at));
    let control = control.transpose()?;
    say(&tray, &ports, control.as_ref(), arguments);
    let child = match arguments.command.is_empty() {
        true => None,
        false => Some(start(arguments, &tray, &ports, control.as_ref(), ended)?),
    };
    let status = wait(child, watchers.len(), &end);
    drop(control);
    drop(ports);
    for reader in &arguments.reader {
        tray.remove(reader)?;
    }
    // The socket closes with the last who holds it, before the program ends.
    for watcher in watchers {
        let _ = watcher.join();
    }
    Ok(status)
}

/// Says where everything is.
fn say(tray: &Tray, ports: &[(&str, CardPort)], control: Option<&Control>, arguments: &Arguments) {
    let path = tray.socket_path();
    if arguments.json {
        let line = json!({
            "pcsc_socket": path,
            "readers": tray.readers(),
            "cards": tray.cards(),
            "cards_from": ports
                .iter()
                .map(|(reader, port)| json!({"reader": reader, "address": port.address()}))
                .collect::<Vec<_>>(),
            "chain": arguments.shown_chain(),
            "control": control.map(|control| json!({
                "url": format!("http://{}", control.address()),
                "token": control.token(),
                "page": control.page(),
            })),
        });
        return tell(output(arguments), &line.to_string());
    }
    for reader in tray.readers().iter().filter(|reader| reader.card.is_some()) {
        tell(
            output(arguments),
            &format!("card inserted in {}", reader.name),
        );
    }
    if arguments.command.is_empty() {
        let line = format!("programs see it with {SOCKET_VARIABLE}={}", path.display());
        tell(io::stderr(), &line);
    }
    for (reader, port) in ports {
        let line = format!(
            "cards that connect to {} come into {reader}",
            port.address()
        );
        tell(io::stderr(), &line);
    }
    if let Some(chain) = arguments.shown_chain() {
        tell(io::stderr(), &format!("chain: {chain}"));
    }
    if let Some(control) = control {
        let line = format!(
            "control: http://{} token {}",
            control.address(),
            control.token()
        );
        tell(io::stderr(), &line);
        tell(io::stderr(), &format!("page: {}", control.page()));
    }
}

/// Starts the command; its end is sent.
fn start(
    arguments: &Arguments,
    tray: &Tray,
    ports: &[(&str, CardPort)],
    control: Option<&Control>,
    ended: Sender<End>,
) -> Result<Pid, Failure> {
    let [program, rest @ ..] = &arguments.command[..] else {
        unreachable!("a command has a name");
    };
    let mut command = Command::new(program);
    command.args(rest).env(SOCKET_VARIABLE, tray.socket_path());
    if let Some(control) = control {
        command.env(URL_VARIABLE, format!("http://{}", control.address()));
        command.env(TOKEN_VARIABLE, control.token());
    }
    if let Some(chain) = &arguments.chain {
        command.env(CHAIN_VARIABLE, chain);
    }
    if !ports.is_empty() {
        let addresses: Vec<_> = (ports.iter())
            .map(|(_, port)| port.address().to_string())
            .collect();
        command.env(CARDS_VARIABLE, addresses.join(","));
    }
    let mut child: Child = command
        .spawn()
        .map_err(|error| Failure::Command(program.clone(), error))?;
    let pid = Pid::from_child(&child);
    thread::spawn(move || ended.send(End::Command(child.wait())));
    Ok(pid)
}

fn send_signals(ended: Sender<End>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if ended.send(End::Signal(signal)).is_err() {
                break;
            }
        }
    });
    Ok(())
}

fn watch(tray: Arc<Tray>, reader: String, ended: Sender<End>) -> JoinHandle<()> {
    thread::spawn(move || {
        if tray.wait_for_removal(&reader).is_ok() {
            let _ = ended.send(End::CardLeft);
        }
    })
}

/// Waits for the end. A signal goes on to the command, whose end is awaited; one from the keyboard
/// went there already.
fn wait(
    child: Option<Pid>,
    mut cards: usize,
    end: &mpsc::Receiver<End>,
) -> Result<ExitCode, Failure> {
    for what in end {
        match (what, child) {
            (End::Command(status), _) => {
                let status =
                    status.map_err(|error| Failure::Command("the command".into(), error))?;
                return Ok(code(status));
            }
            (End::Signal(SIGINT), Some(_)) => {}
            (End::Signal(_), Some(child)) => {
                let _ = kill_process(child, Signal::TERM);
            }
            // The command sees an empty reader.
            (End::CardLeft, Some(_)) => {}
            (End::CardLeft, None) if cards > 1 => cards -= 1,
            (End::Signal(_) | End::CardLeft, None) => break,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The command's exit status, or 128 and the number of the signal that ended it, as in a shell.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
