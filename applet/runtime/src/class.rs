//! Which class bytes are taken, and how others are refused (ISO/IEC 7816-4 §5.4.1).

use iso7816::Status;

/// The class bytes that an application takes. Command chaining, logical channels and secure
/// messaging are bits of the class byte: an application supports them by taking such bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassPolicy {
    /// Each class byte that is taken.
    pub accepted: &'static [u8],
}

impl ClassPolicy {
    /// The policy while no application is selected. It takes what some application may take, so
    /// that the refusal is that none is selected.
    pub const UNSELECTED: Self = Self {
        accepted: &[0x00, 0x80, 0x04, 0x84],
    };

    /// Accepts a class byte of the policy.
    ///
    /// # Errors
    /// `6884` where the byte asks for command chaining, else `6882` for secure messaging, else
    /// `6881` for another logical channel than the basic one; `6E00` for any other byte.
    pub fn check(self, class: u8) -> Result<(), Status> {
        if self.accepted.contains(&class) {
            return Ok(());
        }
        Err(match class {
            // First interindustry values, and the proprietary ones that are coded like them.
            0x00..=0x1F | 0x80..=0x9F => match class & 0x1F {
                0x10.. => Status::CommandChainingNotSupported,
                0x04.. => Status::SecureMessagingNotSupported,
                0x01.. => Status::LogicalChannelNotSupported,
                0x00 => Status::ClassNotSupported,
            },
            // Further interindustry values: all are for logical channels 4 to 19.
            0x40..=0x7F => match class & 0x30 {
                0x10.. if class & 0x10 != 0 => Status::CommandChainingNotSupported,
                0x20.. => Status::SecureMessagingNotSupported,
                _ => Status::LogicalChannelNotSupported,
            },
            _ => Status::ClassNotSupported,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_by_the_bits_of_the_class() {
        let policy = ClassPolicy {
            accepted: &[0x00, 0x84],
        };
        for (class, refused) in [
            (0x80, Status::ClassNotSupported),
            (0x01, Status::LogicalChannelNotSupported),
            (0x83, Status::LogicalChannelNotSupported),
            (0x04, Status::SecureMessagingNotSupported),
            (0x8C, Status::SecureMessagingNotSupported),
            (0x10, Status::CommandChainingNotSupported),
            (0x94, Status::CommandChainingNotSupported),
            (0x40, Status::LogicalChannelNotSupported),
            (0x4F, Status::LogicalChannelNotSupported),
            (0x60, Status::SecureMessagingNotSupported),
            (0x50, Status::CommandChainingNotSupported),
            (0x7F, Status::CommandChainingNotSupported),
            (0x20, Status::ClassNotSupported),
            (0xA0, Status::ClassNotSupported),
            (0xFE, Status::ClassNotSupported),
        ] {
            assert_eq!(policy.check(class), Err(refused), "{class:02X}");
        }
        for class in [0x00, 0x84] {
            assert_eq!(policy.check(class), Ok(()));
        }
    }
}
