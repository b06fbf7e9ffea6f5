//! Secure messaging: SCP11b opens a channel, SCP03 protects what goes through it
//! (`docs/protocol.md`, sections 2.6 and 2.7). The channel belongs to the application,
//! which has its key.

mod agreement;
mod channel;
mod primitives;

pub use agreement::{agree, client_key};
pub use channel::{Channel, Plain, Refused};

use tillcard_runtime::ClassPolicy;

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

/// The class bytes of the protocol (`[FRM-7]`): plain and protected, the standards' and its own. Any
/// other is refused by what it asks for: `6884`, `6882`, `6881` or `6E00`.
pub const CLASSES: ClassPolicy = ClassPolicy {
    accepted: &[0x00, 0x80, 0x04, 0x84],
};
