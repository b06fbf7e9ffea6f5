//! Which application a command is for. Knows nothing of what applications do.

use crate::application::Application;
use crate::class::ClassPolicy;
use apdu_app::{CommandView, Interface, VecView};
use iso7816::Status;

const CLA_ISO: u8 = 0x00;
const INS_SELECT: u8 = 0xA4;
/// P1: selection by DF name.
const BY_NAME: u8 = 0x04;
/// P2: first or only occurrence; the FCI template is answered, or nothing.
const WITH_FCI: u8 = 0x00;
const WITHOUT_ANSWER: u8 = 0x0C;
/// Bytes in a DF name, whole or partial.
const NAME_LENGTHS: core::ops::RangeInclusive<usize> = 5..=16;

/// Remembers which application is selected, by its number.
#[derive(Default)]
pub(crate) struct Dispatcher {
    selected: Option<usize>,
}

impl Dispatcher {
    /// Gives a command to the selected application, or executes it when it is SELECT.
    ///
    /// `[SEL-3]`: nothing but SELECT before an application is selected.
    ///
    /// # Errors
    /// The status word to answer.
    pub(crate) fn call(
        &mut self,
        applications: &mut [&mut dyn Application],
        interface: Interface,
        command: CommandView<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let class = command.class().into_inner();
        if [class, command.instruction().into()] == [CLA_ISO, INS_SELECT] {
            return self.select(applications, interface, command, reply);
        }
        match self.selected {
            Some(selected) => {
                let application = &mut applications[selected];
                application.classes().check(class)?;
                application.call(interface, command, reply)
            }
            None => {
                ClassPolicy::UNSELECTED.check(class)?;
                Err(Status::ConditionsOfUseNotSatisfied)
            }
        }
    }

    /// - `[SEL-1]`: the full AID or a prefix of five bytes at least.
    /// - `[SEL-2]`: what matches no application changes nothing.
    /// - `[SEL-5]`: no other occurrence, and no other way of selection.
    fn select(
        &mut self,
        applications: &mut [&mut dyn Application],
        interface: Interface,
        command: CommandView<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        if command.p1 != BY_NAME || !matches!(command.p2, WITH_FCI | WITHOUT_ANSWER) {
            return Err(Status::IncorrectP1OrP2Parameter);
        }
        if !NAME_LENGTHS.contains(&command.data().len()) {
            return Err(Status::WrongLength);
        }
        let found = applications
            .iter()
            .position(|application| application.aid().matches(command.data()))
            .ok_or(Status::NotFound)?;
        // An application that refuses leaves the former one selected.
        applications[found].select(interface, command, reply)?;
        if let Some(former) = self.selected.replace(found)
            && former != found
        {
            applications[former].deselect();
        }
        if command.p2 == WITHOUT_ANSWER {
            reply.clear();
        }
        Ok(())
    }
}
