//! Which application a command is for. Knows nothing of what they do.

use apdu_app::{App, CommandView, Interface, VecView};
use tillcard_protocol::status::{self, Status};

const CLA_ISO: u8 = 0x00;
const INS_SELECT: u8 = 0xA4;
/// P1: selection by DF name.
const BY_NAME: u8 = 0x04;
/// P2: first or only occurrence; the FCI template, or no answer.
const WITH_FCI: u8 = 0x00;
const WITHOUT_ANSWER: u8 = 0x0C;
/// Lengths of a DF name, whole or partial.
const NAME_LENGTHS: core::ops::RangeInclusive<usize> = 5..=16;

/// Remembers which application is selected.
#[derive(Default)]
pub(crate) struct Dispatcher {
    selected: Option<usize>,
}

impl Dispatcher {
    /// Has a command done by the selected application, or by this as SELECT.
    ///
    /// # Errors
    /// The status word to answer.
    pub(crate) fn call(
        &mut self,
        apps: &mut [&mut dyn App],
        command: CommandView<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let code = [command.class().into_inner(), command.instruction().into()];
        if code == [CLA_ISO, INS_SELECT] {
            return self.select(apps, command, reply);
        }
        let selected = self.selected.ok_or(status::CONDITIONS)?;
        apps[selected].call(Interface::Contact, command, reply)
    }

    fn select(
        &mut self,
        apps: &mut [&mut dyn App],
        command: CommandView<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        if command.p1 != BY_NAME || !matches!(command.p2, WITH_FCI | WITHOUT_ANSWER) {
            return Err(status::INCORRECT_P1_P2);
        }
        if !NAME_LENGTHS.contains(&command.data().len()) {
            return Err(status::WRONG_LENGTH);
        }
        let found = apps
            .iter()
            .position(|app| app.aid().matches(command.data()))
            .ok_or(status::APPLICATION_NOT_FOUND)?;
        if let Some(former) = self.selected.replace(found) {
            apps[former].deselect();
        }
        apps[found].select(Interface::Contact, command, reply)?;
        if command.p2 == WITHOUT_ANSWER {
            reply.clear();
        }
        Ok(())
    }
}
