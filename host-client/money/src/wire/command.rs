//! Which command an APDU is, as whoever stands on the wire sees it: its header isn't encrypted.

/// A command by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// SELECT.
    Select,
    /// GET DATA.
    GetData,
    /// INTERNAL AUTHENTICATE, both forms.
    Authenticate,
    /// VERIFY.
    Verify,
    /// PREVIEW.
    Preview,
    /// REPORT ABSENT.
    ReportAbsent,
    /// GET ANCESTOR.
    GetAncestor,
    /// PAY.
    Pay,
    /// PAY, again only.
    PayAgain,
    /// PAYMENT STATE.
    PaymentState,
    /// ISSUE.
    Issue,
    /// READ ACCOUNT.
    ReadAccount,
    /// ENTER COIN.
    EnterCoin,
    /// SIGN.
    Sign,
    /// Another one.
    Other(u8),
}

impl Command {
    /// The command of an APDU.
    pub fn of(apdu: &[u8]) -> Self {
        let class = apdu.first().map_or(0, |class| class & !0x04);
        let instruction = apdu.get(1).copied().unwrap_or_default();
        match (class, instruction, apdu.get(2).copied().unwrap_or_default()) {
            (0x00, 0xA4, _) => Self::Select,
            (0x00, 0xCA, _) => Self::GetData,
            (_, 0x88, _) => Self::Authenticate,
            (0x00, 0x20, _) => Self::Verify,
            (0x80, 0x32, _) => Self::Preview,
            (0x80, 0x34, _) => Self::ReportAbsent,
            (0x80, 0x36, _) => Self::GetAncestor,
            (0x80, 0x30, 0x00) => Self::Pay,
            (0x80, 0x30, _) => Self::PayAgain,
            (0x80, 0x38, _) => Self::PaymentState,
            (0x80, 0x10, _) => Self::Issue,
            (0x80, 0x50, _) => Self::ReadAccount,
            (0x80, 0x22, _) => Self::EnterCoin,
            (0x80, 0x40, _) => Self::Sign,
            _ => Self::Other(instruction),
        }
    }
}
