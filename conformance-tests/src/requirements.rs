//! The requirements of the protocol text, as read by the build script.

/// A numbered MUST of `docs/protocol.md`.
#[derive(Debug, Clone, Copy)]
pub struct Requirement {
    /// Its number, such as `PIN-3`.
    pub id: &'static str,
    /// What the text says, as Markdown.
    pub text: &'static str,
    /// What the compiler says when no case cites it.
    pub without_case: &'static str,
}

/// A citation: the position of a requirement in [`REQUIREMENTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Req(pub usize);

impl Req {
    /// The requirement cited.
    #[must_use]
    pub const fn requirement(self) -> &'static Requirement {
        &REQUIREMENTS[self.0]
    }

    /// Its number, such as `PIN-3`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.requirement().id
    }
}

include!(concat!(env!("OUT_DIR"), "/requirements.rs"));
