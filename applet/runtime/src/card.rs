//! The card: framing and dispatcher in front of the applications.

use crate::application::Applications;
use crate::dispatch::Dispatcher;
use crate::framing::Framing;
use apdu_app::Interface;
use heapless::VecView;

/// A card with power: command APDUs in, response APDUs out. `ANSWER` is the longest answer of any
/// application, in bytes without the status word.
pub struct Card<A, const ANSWER: usize> {
    framing: Framing<ANSWER>,
    dispatcher: Dispatcher,
    applications: A,
}

impl<A: Applications, const ANSWER: usize> Card<A, ANSWER> {
    /// Gives power to a card with these applications, none of them selected.
    pub fn new(applications: A) -> Self {
        Self {
            framing: Framing::default(),
            dispatcher: Dispatcher::default(),
            applications,
        }
    }

    /// Takes the power away and gives it back: everything volatile is forgotten.
    pub fn reset(&mut self) {
        self.framing = Framing::default();
        self.dispatcher = Dispatcher::default();
        self.applications.visit(|applications| {
            for application in applications {
                application.reset();
            }
        });
    }

    /// Answers one command APDU that came over this interface. `response` is replaced; with room
    /// for fewer than `ANSWER` + 2 bytes, the answer comes in more parts.
    pub fn transmit(&mut self, interface: Interface, command: &[u8], response: &mut VecView<u8>) {
        match Framing::<ANSWER>::decode(command) {
            Ok(command) if Framing::<ANSWER>::is_get_response(&command) => {
                self.framing.get_response(&command, response);
            }
            decoded => {
                let expected = decoded.map_or(0, |command| command.expected());
                let reply = self.framing.begin();
                let dispatcher = &mut self.dispatcher;
                let done = decoded.and_then(|command| {
                    self.applications.visit(|applications| {
                        dispatcher.call(applications, interface, command, reply)
                    })
                });
                self.framing.answer(done, expected, response);
            }
        }
    }

    /// The applications.
    pub fn applications(&self) -> &A {
        &self.applications
    }

    /// The applications.
    pub fn applications_mut(&mut self) -> &mut A {
        &mut self.applications
    }

    /// Takes the power away for good and gives the applications back.
    pub fn into_applications(self) -> A {
        self.applications
    }
}
