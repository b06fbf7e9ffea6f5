//! Secure messaging: SCP11b opens a channel, SCP03 protects what goes through it
//! (`docs/protocol.md`, sections 2.6 and 2.7). Which classes of commands there are
//! is decided here, before any application sees one; a channel belongs to the
//! application that has its key.

mod agreement;
mod channel;
mod primitives;

pub use agreement::{agree, client_key};
pub use channel::{Channel, Plain, Refused};

use iso7816::command::CommandView;
use tillcard_protocol::status::{self, Status};

/// The bit of a class byte that asks for SCP03.
const PROTECTED: u8 = 0x04;

/// Whether a command of this class is protected.
pub const fn is_protected(class: u8) -> bool {
    class & PROTECTED != 0
}

/// The class of the plain command inside a protected one.
pub const fn plain_class(class: u8) -> u8 {
    class & !PROTECTED
}

/// A command of a class that the card knows.
///
/// # Errors
/// `6884`, `6882`, `6881`, `6E00` by the class byte (`[FRM-7]`).
pub fn require_class(command: CommandView<'_>) -> Result<CommandView<'_>, Status> {
    match command.class().into_inner() {
        0x00 | 0x80 | 0x04 | 0x84 => Ok(command),
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
