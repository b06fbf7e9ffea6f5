//! Pages: their headers, and access to the NVM by address.

use super::record::{HEADER_LENGTH as RECORD_HEADER, key_and_length};
use super::{Error, Key};
use crc::{CRC_32_ISO_HDLC, Crc};
use embedded_storage::nor_flash::NorFlash;

/// The CRC of headers and commit marks: CRC-32 of ISO/IEC 13239 (HDLC).
pub(super) const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Bytes of a page's header.
const HEADER_LENGTH: usize = 16;
/// Where a page's transactions begin: behind two copies of the header, so that one
/// damaged byte doesn't make a page in use look like one that was never begun.
pub(super) const CONTENTS: usize = 2 * HEADER_LENGTH;
/// Longest word of an NVM that the journal can be kept on.
pub(super) const WORD_MAX: usize = 16;
const MAGIC: [u8; 2] = *b"TJ";
const VERSION: u8 = 1;

/// What a page begins with, twice: magic (2), version, `FF`, page number (`u32`),
/// end of the whole transactions on the page before (`u16`), `FFFF`, CRC-32 over
/// these twelve bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) page_number: u32,
    pub(super) former_end: u16,
}

impl Header {
    fn encode(self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0xFF; HEADER_LENGTH];
        bytes[..2].copy_from_slice(&MAGIC);
        bytes[2] = VERSION;
        bytes[4..8].copy_from_slice(&self.page_number.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.former_end.to_be_bytes());
        let crc = CRC.checksum(&bytes[..12]);
        bytes[12..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// `None` when no whole header stands there.
    fn decode(bytes: &[u8; HEADER_LENGTH]) -> Result<Option<Self>, Error> {
        let [
            m0,
            m1,
            version,
            _,
            s0,
            s1,
            s2,
            s3,
            e0,
            e1,
            _,
            _,
            c0,
            c1,
            c2,
            c3,
        ] = *bytes;
        if [m0, m1] != MAGIC || CRC.checksum(&bytes[..12]) != u32::from_be_bytes([c0, c1, c2, c3]) {
            return Ok(None);
        }
        if version != VERSION {
            return Err(Error::Version);
        }
        Ok(Some(Self {
            page_number: u32::from_be_bytes([s0, s1, s2, s3]),
            former_end: u16::from_be_bytes([e0, e1]),
        }))
    }
}

/// The NVM as pages.
pub(super) struct Pages<N> {
    nvm: N,
}

impl<N: NorFlash> Pages<N> {
    /// Bytes on a page.
    pub(super) const SIZE: usize = N::ERASE_SIZE;

    pub(super) fn new(nvm: N) -> Self {
        Self { nvm }
    }

    /// Number of pages.
    pub(super) fn count(&self) -> u32 {
        (self.nvm.capacity() / Self::SIZE) as u32
    }

    /// # Errors
    /// [`Error::Geometry`] unless addresses fit in 16 bits, words divide what is
    /// written, and there is a page to spare.
    pub(super) fn check_geometry(&self) -> Result<(), Error> {
        let fits = self.nvm.capacity() <= 1 << 16
            && self.nvm.capacity().is_multiple_of(Self::SIZE)
            && self.count() >= 4
            && Self::SIZE >= 1024
            && N::READ_SIZE == 1
            && WORD_MAX.is_multiple_of(N::WRITE_SIZE);
        if fits { Ok(()) } else { Err(Error::Geometry) }
    }

    /// Address of the page with this number.
    pub(super) fn address(&self, page_number: u32) -> usize {
        (page_number.wrapping_sub(1) % self.count()) as usize * Self::SIZE
    }

    pub(super) fn read(&mut self, address: usize, buffer: &mut [u8]) -> Result<(), Error> {
        self.nvm
            .read(address as u32, buffer)
            .map_err(|_| Error::Nvm)
    }

    pub(super) fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), Error> {
        self.nvm
            .write(address as u32, bytes)
            .map_err(|_| Error::Nvm)
    }

    /// The header on the page with this position in the NVM (not page number): the first
    /// copy that is whole.
    pub(super) fn header(&mut self, page: u32) -> Result<Option<Header>, Error> {
        let mut bytes = [0; HEADER_LENGTH];
        let start = page as usize * Self::SIZE;
        for copy in (start..start + CONTENTS).step_by(HEADER_LENGTH) {
            self.read(copy, &mut bytes)?;
            if let Some(header) = Header::decode(&bytes)? {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Erases the page for a number and writes its header, which it reads back.
    pub(super) fn start(&mut self, header: Header) -> Result<(), Error> {
        self.erase(header.page_number)?;
        let address = self.address(header.page_number);
        let bytes = header.encode();
        self.write(address, &bytes)?;
        self.write(address + HEADER_LENGTH, &bytes)?;
        match self.header((address / Self::SIZE) as u32)? {
            Some(read) if read == header => Ok(()),
            _ => Err(Error::Nvm),
        }
    }

    /// Erases the page for a number.
    pub(super) fn erase(&mut self, page_number: u32) -> Result<(), Error> {
        let address = self.address(page_number);
        self.nvm
            .erase(address as u32, (address + Self::SIZE) as u32)
            .map_err(|_| Error::Nvm)
    }

    /// Key and length of the record at an address.
    pub(super) fn record_at(&mut self, address: usize) -> Result<(Key, usize), Error> {
        let mut header = [0; RECORD_HEADER];
        self.read(address, &mut header)?;
        Ok(key_and_length(header))
    }

    /// Whether all bytes from `from` up to `to` are erased.
    pub(super) fn is_erased(&mut self, from: usize, to: usize) -> Result<bool, Error> {
        let mut at = from;
        let mut buffer = [0; 64];
        while at < to {
            let part = &mut buffer[..(to - at).min(64)];
            self.read(at, part)?;
            if part.iter().any(|byte| *byte != 0xFF) {
                return Ok(false);
            }
            at += part.len();
        }
        Ok(true)
    }

    pub(super) fn nvm(&self) -> &N {
        &self.nvm
    }

    pub(super) fn nvm_mut(&mut self) -> &mut N {
        &mut self.nvm
    }

    pub(super) fn into_nvm(self) -> N {
        self.nvm
    }
}
