//! A process' memory, as `/proc/PID/maps` and `/proc/PID/mem` show it.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use zeroize::Zeroizing;

use super::{Finding, Secrets};

/// Read at a time; memory that nobody can read is given up in steps of this.
const STEP: usize = 1 << 20;

/// What is left out at a time.
const PAGE: usize = 4096;

/// Why a process' memory can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the memory of process {pid} can't be read: {cause}")]
pub struct SnapshotError {
    pid: u32,
    cause: String,
}

/// A stretch of memory that was read.
pub struct Region {
    /// Its first address.
    pub start: u64,
    /// What the system calls it: a file, `[heap]`, `[stack]`, or nothing.
    pub name: String,
    bytes: Zeroizing<Vec<u8>>,
}

/// The memory of a process at one moment, all of it that can be read.
pub struct Snapshot {
    regions: Vec<Region>,
    read: u64,
    unreadable: u64,
}

impl Snapshot {
    /// Stops the process `pid`, a child of ours, reads its memory, and lets it go on.
    ///
    /// # Errors
    /// [`SnapshotError`] when it isn't there, isn't our child, or may not be looked into.
    pub fn of_child(pid: u32) -> Result<Self, SnapshotError> {
        let failed = |cause: io::Error| SnapshotError {
            pid,
            cause: cause.to_string(),
        };
        let child = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        kill_process(child, Signal::STOP).map_err(|error| failed(error.into()))?;
        let stopped = wait_until_stopped(child);
        let snapshot = stopped.and_then(|()| Self::read(pid));
        kill_process(child, Signal::CONT).map_err(|error| failed(error.into()))?;
        snapshot.map_err(failed)
    }

    fn read(pid: u32) -> io::Result<Self> {
        let memory = File::open(format!("/proc/{pid}/mem"))?;
        let maps = BufReader::new(File::open(format!("/proc/{pid}/maps"))?);
        let mut snapshot = Self {
            regions: Vec::new(),
            read: 0,
            unreadable: 0,
        };
        for line in maps.lines() {
            let line = line?;
            let Some((start, end, name)) = parse_map(&line) else {
                return Err(io::Error::other(format!("an unknown kind of map: {line}")));
            };
            snapshot.read_region(&memory, start, end, name);
        }
        Ok(snapshot)
    }

    /// Reads what can be read of a region, in one piece wherever it is in one piece.
    fn read_region(&mut self, memory: &File, start: u64, end: u64, name: &str) {
        let mut at = start;
        let mut piece = Zeroizing::new(Vec::new());
        while at < end {
            let wanted = usize::try_from(end - at).map_or(STEP, |left| left.min(STEP));
            let before = piece.len();
            piece.resize(before + wanted, 0);
            match memory.read_at(&mut piece[before..], at) {
                Ok(read @ 1..) => {
                    piece.truncate(before + read);
                    at += read as u64;
                }
                Ok(0) | Err(_) => {
                    piece.truncate(before);
                    self.keep(at, name, &piece);
                    piece.clear();
                    self.unreadable += wanted as u64;
                    at += wanted as u64;
                }
            }
        }
        self.keep(at, name, &piece);
    }

    /// Keeps what was read up to the address `end`, without the pages in which nothing was ever
    /// written: most of a process' memory is zeros.
    fn keep(&mut self, end: u64, name: &str, bytes: &[u8]) {
        let start = end - bytes.len() as u64;
        self.read += bytes.len() as u64;
        for piece in written(bytes) {
            self.regions.push(Region {
                start: start + piece.start as u64,
                name: name.to_owned(),
                bytes: Zeroizing::new(bytes[piece].to_vec()),
            });
        }
    }

    /// Bytes that were read.
    pub fn size(&self) -> u64 {
        self.read
    }

    /// Bytes that couldn't be read: the kernel's own pages, and mapped files beyond their end.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// Looks for secrets.
    pub fn search(&self, secrets: &Secrets) -> Vec<Finding> {
        let mut findings = Vec::new();
        for region in &self.regions {
            findings.extend(secrets.search(&region.bytes, |offset| {
                let name = match region.name.as_str() {
                    "" => "anonymous memory",
                    name => name,
                };
                format!("{name} at {:#x}", region.start + offset as u64)
            }));
        }
        findings
    }
}

/// The stretches of `bytes` with something in them, in whole pages, and a page more at either end:
/// a secret whose last or first bytes are zeros stays whole.
fn written(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for (i, page) in bytes.chunks(PAGE).enumerate() {
        if page.iter().all(|byte| *byte == 0) {
            continue;
        }
        let from = (i * PAGE).saturating_sub(PAGE);
        let to = (i * PAGE + page.len() + PAGE).min(bytes.len());
        match stretches.last_mut() {
            Some(last) if from <= last.end => last.end = to,
            _ => stretches.push(from..to),
        }
    }
    stretches
}

fn wait_until_stopped(child: Pid) -> io::Result<()> {
    loop {
        match waitpid(Some(child), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => return Ok(()),
            Ok(Some(_)) => return Err(io::Error::other("it ended")),
            Ok(None) => {}
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// `start-end perms offset device inode name` (proc(5)).
fn parse_map(line: &str) -> Option<(u64, u64, &str)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let name = rest.splitn(5, ' ').nth(4).map_or("", str::trim_start);
    Some((
        u64::from_str_radix(start, 16).ok()?,
        u64::from_str_radix(end, 16).ok()?,
        name,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_untouched_pages_are_left_out() {
        let kept = |bytes: &[u8]| -> Vec<(usize, usize)> {
            let stretches = written(bytes);
            stretches.into_iter().map(|s| (s.start, s.end)).collect()
        };
        let end = 10 * PAGE + 7;
        let mut bytes = vec![0; end];
        assert_eq!(kept(&bytes), []);
        bytes[3 * PAGE] = 1;
        assert_eq!(kept(&bytes), [(2 * PAGE, 5 * PAGE)]);
        bytes[5 * PAGE - 1] = 1;
        assert_eq!(kept(&bytes), [(2 * PAGE, 6 * PAGE)]);
        bytes[end - 1] = 1;
        assert_eq!(kept(&bytes), [(2 * PAGE, 6 * PAGE), (9 * PAGE, end)]);
        bytes[0] = 1;
        assert_eq!(kept(&bytes), [(0, 6 * PAGE), (9 * PAGE, end)]);
    }

    #[test]
    fn maps_are_parsed() {
        let line = "7f0c1000-7f0c3000 r-xp 00001000 fe:00 1234                       /lib/a b.so";
        assert_eq!(
            parse_map(line),
            Some((0x7f0c_1000, 0x7f0c_3000, "/lib/a b.so"))
        );
        let line = "7f0c1000-7f0c3000 rw-p 00000000 00:00 0 ";
        assert_eq!(parse_map(line), Some((0x7f0c_1000, 0x7f0c_3000, "")));
        assert_eq!(parse_map("nonsense"), None);
    }
}
