//! Runs the card on a Cortex-M4, on the commands that a card on the machine that
//! built this has answered: the answers must be the same. Before each, the stack
//! is painted; afterwards it is looked at how far the paint is gone.
//!
//! Prints a line for each kind of command: CLA INS P1 (`power` for the work when
//! power comes), and the most bytes of stack that one of them took. Of those that
//! have a name it prints before, as `time`, how long they took, in ticks of the
//! board's timer.

#![no_std]
#![no_main]

use core::arch::asm;
use core::panic::PanicInfo;
use core::ptr::{read_volatile, write_volatile};
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tillcard_applet::{Card, Configuration, Response};
use tillcard_runtime::nvm::{NVM_SIZE, PAGE_SIZE};

#[used]
#[unsafe(link_section = ".script")]
static SCRIPT: [u8; include_bytes!(concat!(env!("OUT_DIR"), "/script")).len()] =
    *include_bytes!(concat!(env!("OUT_DIR"), "/script"));

#[used]
#[unsafe(link_section = ".vectors")]
static RESET: extern "C" fn() -> ! = reset;

static mut MEMORY: [u8; NVM_SIZE] = [0; NVM_SIZE];
/// The most stack that the commands of each kind took.
static mut DEEPEST: [([u8; 3], u32); 64] = [([0; 3], 0); 64];

/// How far down the stack is painted.
const PAINTED: u32 = 128 * 1024;
const PAINT: u32 = 0xA5A5_5A5A;

unsafe extern "C" {
    static program_end: u8;
}

/// The card's NVM.
struct Flash;

impl Flash {
    fn bytes(&mut self) -> &mut [u8; NVM_SIZE] {
        // SAFETY: there is one `Flash` at a time, and nothing interrupts.
        unsafe { &mut *(&raw mut MEMORY) }
    }
}

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, bytes.len())?;
        let offset = offset as usize;
        bytes.copy_from_slice(&self.bytes()[offset..offset + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        NVM_SIZE
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = PAGE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to)?;
        self.bytes()[from as usize..to as usize].fill(0xFF);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len())?;
        let offset = offset as usize;
        self.bytes()[offset..offset + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

type StackCard = Card<Flash, ChaCha20Rng>;

/// Takes the script apart.
struct Script(&'static [u8]);

impl Script {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self) -> &'static [u8] {
        let (length, rest) = self.0.split_first_chunk().unwrap();
        let (bytes, rest) = rest.split_at(u16::from_be_bytes(*length).into());
        self.0 = rest;
        bytes
    }
}

extern "C" fn reset() -> ! {
    print(b"program \0");
    print_number(&raw const program_end as u32);
    print(b"\ncard \0");
    print_number(size_of::<StackCard>() as u32);
    print(b"\nresponse \0");
    print_number(size_of::<Response>() as u32);
    print(b"\n\0");
    let mut script = Script(&SCRIPT);
    let mut card = None;
    let mut exchanges = 0;
    while let Some(kind) = script.byte() {
        if kind == 0 {
            let image = script.bytes();
            let mut flash = Flash;
            let memory = flash.bytes();
            memory.fill(0xFF);
            memory[..image.len()].copy_from_slice(image);
            card = Some(Card::new(
                Flash,
                ChaCha20Rng::seed_from_u64(7),
                Configuration::ANY_NETWORK,
            ));
            continue;
        }
        let (name, command, expected) = (script.bytes(), script.bytes(), script.bytes());
        let card = card.as_mut().unwrap();
        let mut response = Response::new();
        let mut ticks = 0;
        let depth = measure(|| ticks = time(|| card.transmit(command, &mut response)));
        if !name.is_empty() {
            print(b"time \0");
            print_number(ticks);
            print(b" \0");
            name.iter().for_each(|byte| print(&[*byte, 0]));
            print(b"\n\0");
        }
        if response[..] != *expected {
            print(b"another answer than on the machine that built this\n\0");
            exit(1);
        }
        note([command[0], command[1], command[2]], depth);
        exchanges += 1;
    }
    if let Some(card) = &mut card {
        note([0xFF, 0xFF, 0xFF], measure(|| card.reset()));
    }
    // SAFETY: nothing else looks at it now.
    for (header, depth) in unsafe { *(&raw const DEEPEST) } {
        if depth > 0 {
            if header == [0xFF; 3] {
                print(b"power\0");
            } else {
                header.iter().for_each(|byte| print_byte(*byte));
            }
            print(b" \0");
            print_number(depth);
            print(b"\n\0");
        }
    }
    print(b"exchanges \0");
    print_number(exchanges);
    print(b"\n\0");
    exit(0)
}

fn note(header: [u8; 3], depth: u32) {
    // SAFETY: nothing interrupts.
    let deepest = unsafe { &mut *(&raw mut DEEPEST) };
    let at = deepest
        .iter()
        .position(|(known, depth)| *known == header || *depth == 0);
    let entry = &mut deepest[at.unwrap()];
    *entry = (header, entry.1.max(depth));
}

/// Bytes of stack that something takes.
#[inline(never)]
fn measure(run: impl FnOnce()) -> u32 {
    let top = stack_pointer();
    let bottom = top - PAINTED;
    let mut at = bottom;
    // A little is left for this function itself.
    while at < top - 64 {
        // SAFETY: below the stack pointer nothing stands, and RAM is larger.
        unsafe { write_volatile(at as *mut u32, PAINT) };
        at += 4;
    }
    run();
    let mut at = bottom;
    // SAFETY: as above.
    while unsafe { read_volatile(at as *const u32) } == PAINT {
        at += 4;
    }
    top - at
}

/// Ticks that something takes.
#[inline(never)]
fn time(run: impl FnOnce()) -> u32 {
    // The board's CMSDK timer 0, of 25 MHz. It counts down.
    const CONTROL: *mut u32 = 0x4000_0000 as *mut u32;
    const VALUE: *mut u32 = 0x4000_0004 as *mut u32;
    const RELOAD: *mut u32 = 0x4000_0008 as *mut u32;
    // SAFETY: these are its registers.
    unsafe {
        write_volatile(RELOAD, u32::MAX);
        write_volatile(VALUE, u32::MAX);
        write_volatile(CONTROL, 1);
        run();
        u32::MAX - read_volatile(VALUE)
    }
}

#[inline(always)]
fn stack_pointer() -> u32 {
    let pointer;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) pointer) };
    pointer
}

/// Arm's semihosting, which QEMU understands.
fn semihost(operation: u32, argument: u32) {
    // SAFETY: what SYS_WRITE0 and SYS_EXIT do is to read the string, or to end.
    unsafe {
        asm!("bkpt 0xAB", inout("r0") operation => _, in("r1") argument);
    }
}

/// Prints a string that ends with a zero.
fn print(text: &[u8]) {
    semihost(0x04, text.as_ptr() as u32);
}

fn print_byte(byte: u8) {
    let digits = b"0123456789ABCDEF";
    let text = [
        digits[usize::from(byte >> 4)],
        digits[usize::from(byte & 15)],
        0,
    ];
    print(&text);
}

fn print_number(mut number: u32) {
    let mut text = [0; 11];
    let mut at = 10;
    loop {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return print(&text[at..]);
        }
    }
}

/// Ends the emulator; 0 for success.
fn exit(code: u32) -> ! {
    // ADP_Stopped_ApplicationExit, or ADP_Stopped_InternalError.
    semihost(0x18, if code == 0 { 0x2_0026 } else { 0x2_0024 });
    loop {}
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    print(b"panic\n\0");
    exit(1)
}
