//! The numbers of the PC/SC interface that the socket speaks of (pcsc-lite, `pcsclite.h`).

/// What a call came to: 0, or an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReturnCode(pub(super) u32);

impl ReturnCode {
    pub(super) const SUCCESS: Self = Self(0);
    pub(super) const CANCELLED: Self = Self(0x8010_0002);
    pub(super) const INVALID_HANDLE: Self = Self(0x8010_0003);
    pub(super) const INSUFFICIENT_BUFFER: Self = Self(0x8010_0008);
    pub(super) const UNKNOWN_READER: Self = Self(0x8010_0009);
    pub(super) const SHARING_VIOLATION: Self = Self(0x8010_000B);
    pub(super) const NO_SMARTCARD: Self = Self(0x8010_000C);
    pub(super) const PROTO_MISMATCH: Self = Self(0x8010_000F);
    pub(super) const INVALID_VALUE: Self = Self(0x8010_0011);
    pub(super) const NOT_TRANSACTED: Self = Self(0x8010_0016);
    pub(super) const SERVICE_STOPPED: Self = Self(0x8010_001E);
    pub(super) const UNSUPPORTED_FEATURE: Self = Self(0x8010_001F);
    pub(super) const UNRESPONSIVE_CARD: Self = Self(0x8010_0066);
    pub(super) const RESET_CARD: Self = Self(0x8010_0068);
    pub(super) const REMOVED_CARD: Self = Self(0x8010_0069);
}

impl<T> From<Result<T, Self>> for ReturnCode {
    fn from(result: Result<T, Self>) -> Self {
        result.map_or_else(|code| code, |_| Self::SUCCESS)
    }
}

/// How a client wants a card (`SCARD_SHARE_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShareMode {
    Exclusive = 1,
    Shared = 2,
    /// The reader, with or without a card.
    Direct = 3,
}

impl ShareMode {
    pub(super) fn parse(number: u32) -> Result<Self, ReturnCode> {
        match number {
            1 => Ok(Self::Exclusive),
            2 => Ok(Self::Shared),
            3 => Ok(Self::Direct),
            _ => Err(ReturnCode::INVALID_VALUE),
        }
    }
}

/// What becomes of the card (`SCARD_LEAVE_CARD` and so on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Leave,
    Reset,
    Unpower,
    /// This reader has no motor: the card is left.
    Eject,
}

impl Disposition {
    pub(super) fn parse(number: u32) -> Result<Self, ReturnCode> {
        match number {
            0 => Ok(Self::Leave),
            1 => Ok(Self::Reset),
            2 => Ok(Self::Unpower),
            3 => Ok(Self::Eject),
            _ => Err(ReturnCode::INVALID_VALUE),
        }
    }
}

/// Transmission protocols (`SCARD_PROTOCOL_…`), a bit for each.
pub(super) mod protocol {
    pub(in super::super) const NONE: u32 = 0;
    pub(in super::super) const T0: u32 = 1;
    pub(in super::super) const T1: u32 = 2;
    pub(in super::super) const RAW: u32 = 4;
}

/// States of a reader (`SCARD_ABSENT` and so on), a bit for each.
pub(super) mod state {
    pub(in super::super) const ABSENT: u32 = 0x02;
    pub(in super::super) const PRESENT: u32 = 0x04;
    pub(in super::super) const POWERED: u32 = 0x10;
    pub(in super::super) const NEGOTIABLE: u32 = 0x20;
}

/// Attributes of a reader (`SCARD_ATTR_…`).
pub(super) mod attribute {
    pub(in super::super) const VENDOR_NAME: u32 = 0x0001_0100;
    pub(in super::super) const ICC_PRESENCE: u32 = 0x0009_0300;
    pub(in super::super) const ATR_STRING: u32 = 0x0009_0303;
    pub(in super::super) const DEVICE_FRIENDLY_NAME: u32 = 0x7FFF_0003;
    pub(in super::super) const DEVICE_SYSTEM_NAME: u32 = 0x7FFF_0004;
}

/// What can be asked of a reader (PC/SC part 10, version 2.02.09).
pub(super) mod control {
    /// `SCARD_CTL_CODE` of pcsc-lite.
    const CONTROL: u32 = 0x4200_0000;
    /// `CM_IOCTL_GET_FEATURE_REQUEST` (section 2.2): which features has the reader?
    pub(in super::super) const GET_FEATURE_REQUEST: u32 = CONTROL + 3400;
    /// Where the codes of features begin, as with the CCID driver: a reader may choose.
    pub(in super::super) const FEATURES: u32 = CONTROL + 0x33_0000;
    /// Features (section 2.3).
    pub(in super::super) const VERIFY_PIN_DIRECT: u8 = 0x06;
    pub(in super::super) const MODIFY_PIN_DIRECT: u8 = 0x07;
    pub(in super::super) const IFD_PIN_PROPERTIES: u8 = 0x0A;
    pub(in super::super) const TLV_PROPERTIES: u8 = 0x12;
}
