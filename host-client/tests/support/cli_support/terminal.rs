//! A terminal at which a test sits.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::reader_support::DEADLINE;

/// A pseudoterminal, and what it shows.
pub(crate) struct Terminal {
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    /// What the screen has shown since [`Terminal::until`] was last satisfied.
    rest: String,
    /// The end that programs have. It is held here too: the terminal outlives them.
    line: File,
}

impl Terminal {
    pub(crate) fn open() -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keyboard).expect("for this user");
        unlockpt(&keyboard).expect("for programs");
        let name = ptsname(&keyboard, Vec::new()).expect("its name");
        let line = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().expect("text"))
            .expect("the programs' end");
        let keyboard = File::from(keyboard);
        let mut shown = keyboard.try_clone().expect("its screen");
        let (tell, screen) = channel();
        // It ends with the terminal, which then can't be read any more.
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(length @ 1..) = shown.read(&mut bytes) {
                if tell.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            keyboard,
            screen,
            rest: String::new(),
            line,
        }
    }

    /// The terminal as a program's input or output.
    pub(crate) fn stdio(&self) -> Stdio {
        self.line.try_clone().expect("another of its kind").into()
    }

    pub(crate) fn type_line(&mut self, text: &str) {
        self.keyboard
            .write_all(format!("{text}\r").as_bytes())
            .expect("it takes keys");
    }

    /// What is shown up to and with `text`, which must come.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.rest.find(text) {
                let after = self.rest.split_off(at + text.len());
                return std::mem::replace(&mut self.rest, after);
            }
            let Ok(more) = self.screen.recv_timeout(DEADLINE) else {
                panic!("the terminal never showed “{text}”, but: {}", self.rest);
            };
            self.rest += &String::from_utf8_lossy(&more);
        }
    }
}
