//! The status words of `docs/protocol.md`, section 9, written down anew.

/// Whether the protocol lists a status word.
pub fn is_listed(status: u16) -> bool {
    matches!(
        status,
        0x9000
            | 0x6100..=0x61FF
            | 0x63C0..=0x63CF
            | 0x6400
            | 0x6581
            | 0x6700
            | 0x6881
            | 0x6882
            | 0x6884
            | 0x6982
            | 0x6983
            | 0x6985
            | 0x6A80
            | 0x6A82
            | 0x6A84
            | 0x6A86
            | 0x6A88
            | 0x6A89
            | 0x6D00
            | 0x6E00
            | 0x9401..=0x9417
    )
}
