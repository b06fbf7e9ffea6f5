//! What sections 5.5 and 10 say of a command in a state, to whom, and in which kind of
//! session.

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Factory,
    Issued,
    Blocked,
    LogFull,
    Terminated,
}

impl State {
    pub const ALL: [(Self, &str); 5] = [
        (Self::Factory, "Factory, the personalisation not ended"),
        (Self::Issued, "Issued"),
        (Self::Blocked, "PIN blocked"),
        (Self::LogFull, "Log full"),
        (Self::Terminated, "Terminated"),
    ];

    /// Who can be there, and in which sessions.
    pub fn columns(self) -> Vec<Column> {
        use {Role::*, Session::*};
        let all = [
            (Plain, Anyone),
            (Plain, Holder),
            (Plain, Owner),
            (NotAllowed, Anyone),
            (NotAllowed, Owner),
            (Channel, Anyone),
            (Channel, Holder),
            (Channel, Owner),
        ];
        all.into_iter()
            .filter(|(session, role)| match self {
                Self::Factory => *role == Anyone && *session != NotAllowed,
                Self::Terminated => *role == Anyone && *session == Plain,
                Self::Blocked => *role != Holder,
                Self::Issued | Self::LogFull => true,
            })
            .map(|(session, role)| Column { session, role })
            .collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// A plain one, in which the policy allows PIN and payments.
    Plain,
    /// A plain one in which it doesn't.
    NotAllowed,
    Channel,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Anyone,
    Holder,
    Owner,
}

#[derive(Clone, Copy)]
pub struct Column {
    pub session: Session,
    pub role: Role,
}

impl Column {
    pub fn title(self) -> String {
        let session = match self.session {
            Session::Plain => "plain",
            Session::NotAllowed => "plain, bit 0 clear",
            Session::Channel => "channel",
        };
        let role = match self.role {
            Role::Anyone => "anyone",
            Role::Holder => "holder",
            Role::Owner => "owner",
        };
        format!("{session}: {role}")
    }
}

/// What the text says of a command in a state.
#[derive(Clone, Copy)]
pub enum Rule {
    /// This, to everybody.
    Is(u16),
    /// This to the holder.
    Holder(u16),
    /// This to the owner.
    Owner(u16),
    /// This to the owner, in a channel.
    OwnerInChannel(u16),
    /// This, where the session allows PIN and payments.
    Shop(u16),
    /// This to the owner, where the session allows a PIN.
    OwnerShop(u16),
    /// This in a plain session; `6985` in a channel, since one is open.
    Plain(u16),
    /// This in a plain session; in a channel it is no instruction.
    Bare(u16),
}

impl Rule {
    pub fn of(self, column: Column) -> u16 {
        let shop = column.session != Session::NotAllowed;
        let (allowed, status) = match self {
            Self::Is(status) => (true, status),
            Self::Holder(status) => (shop && column.role == Role::Holder, status),
            Self::Owner(status) => (column.role == Role::Owner, status),
            Self::OwnerInChannel(status) => (
                column.session == Session::Channel && column.role == Role::Owner,
                status,
            ),
            Self::Shop(status) => (shop, status),
            Self::OwnerShop(status) => (shop && column.role == Role::Owner, status),
            Self::Plain(status) if column.session == Session::Channel => {
                (true, if status == 0x9000 { 0x6985 } else { status })
            }
            Self::Bare(_) if column.session == Session::Channel => (true, 0x6D00),
            Self::Plain(status) | Self::Bare(status) => (true, status),
        };
        if allowed { status } else { 0x6982 }
    }
}
