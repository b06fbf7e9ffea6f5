//! Secure messaging: the layer between framing and commands. What arrives
//! protected is unwrapped here before any application sees it, and answers are
//! wrapped whole before framing splits them. This version of the protocol has no
//! channel, so commands that ask for one are refused here.

use crate::status::{self, Status};
use iso7816::command::CommandView;

/// The plain command inside a command.
///
/// # Errors
/// `6884`, `6882`, `6881`, `6E00` by the class byte (`[FRM-7]`).
pub fn unwrap(command: CommandView<'_>) -> Result<CommandView<'_>, Status> {
    match command.class().into_inner() {
        0x00 | 0x80 => Ok(command),
        class @ 0x00..=0x1F | class @ 0x80..=0x9F => Err(match class & 0x1F {
            0x10.. => status::CHAINING,
            0x04.. => status::SECURE_MESSAGING,
            _ => status::LOGICAL_CHANNEL,
        }),
        class @ 0x40..=0x7F => Err(match class {
            _ if class & 0x10 != 0 => status::CHAINING,
            _ if class & 0x20 != 0 => status::SECURE_MESSAGING,
            _ => status::LOGICAL_CHANNEL,
        }),
        _ => Err(status::CLASS),
    }
}
