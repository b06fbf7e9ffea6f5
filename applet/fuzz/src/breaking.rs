//! Commands that aren't the client's next: each closes a channel.

use super::apdu::STATUS;
use tillcard_testkit::channel::Client;

/// The padding of nothing.
pub const PADDING: [u8; 16] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// What is no padding.
const NO_PADDING: [u8; 16] = [0x55; 16];

/// What is wrong with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    WrongMac,
    OtherHeader,
    OtherData,
    Replayed,
    LeftOut,
    ShortForExtended,
    ShortMac,
    NoMac,
    NoBlocks,
    WrongPadding,
    Plain,
}

impl Break {
    pub const ALL: [Self; 11] = [
        Self::WrongMac,
        Self::OtherHeader,
        Self::OtherData,
        Self::Replayed,
        Self::LeftOut,
        Self::ShortForExtended,
        Self::ShortMac,
        Self::NoMac,
        Self::NoBlocks,
        Self::WrongPadding,
        Self::Plain,
    ];

    /// The command, from a client that could have sent it rightly. `sent` is what he
    /// sent last; `at` says where something is wrong.
    pub fn command(
        self,
        client: &mut Client,
        sent: &[u8],
        header: [u8; 4],
        data: &[u8],
        at: u8,
    ) -> Vec<u8> {
        let at = usize::from(at);
        // A short command has room for so much.
        let data = &data[..data.len().min(239)];
        match self {
            Self::WrongMac => {
                let mut apdu = client.protect(header, data);
                let mac = apdu.len() - 1 - 8;
                apdu[mac + at % 8] ^= 1 << (at / 8 % 8);
                apdu
            }
            Self::OtherHeader => {
                let mut apdu = client.protect(header, data);
                apdu[1 + at % 3] ^= 1 << (at / 3 % 8);
                apdu
            }
            Self::OtherData => {
                let data = if data.is_empty() { &[0x5A] } else { data };
                let mut apdu = client.protect(header, data);
                let encrypted = apdu.len() - 5 - 1 - 8;
                apdu[5 + at % encrypted] ^= 1;
                apdu
            }
            Self::Replayed if !sent.is_empty() => sent.to_vec(),
            Self::Replayed | Self::LeftOut => {
                client.protect(STATUS, &[]);
                client.protect(header, data)
            }
            Self::ShortForExtended => {
                let long = client.protect_as(header, data, true);
                [&long[..4], &long[6..long.len() - 1]].concat()
            }
            Self::ShortMac => {
                let apdu = client.protect(header, &[]);
                let length = at % 8;
                let lc = if length > 0 { &[length as u8][..] } else { &[] };
                [&apdu[..4], lc, &apdu[5..5 + length], &[0]].concat()
            }
            Self::NoMac => vec![header[0] | 0x04, header[1], header[2], header[3]],
            Self::NoBlocks => {
                client.counter += 1;
                client.authenticate(header, &NO_PADDING[..1 + at % 15], false)
            }
            Self::WrongPadding => {
                let encrypted = encrypt_block(client, NO_PADDING);
                client.counter += 1;
                client.authenticate(header, &encrypted, false)
            }
            Self::Plain => [&header[..], &[0]].concat(),
        }
    }
}

/// A block encrypted as a command's only one, without padding of its own.
pub fn encrypt_block(client: &Client, block: [u8; 16]) -> Vec<u8> {
    let mut whole = client.encrypt(&block);
    whole.truncate(block.len());
    whole
}
