//! The card's memory on the disk.

use std::fs;
use std::path::Path;

use embedded_storage::nor_flash::{NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use tempfile::TempDir;
use tillcard_emu::nvm::{CardMemory, NvmError, SledNvm, Store, StoreError};
use tillcard_runtime::nvm::{NVM_SIZE, PAGE_SIZE};

const PAGE: u32 = PAGE_SIZE as u32;
const SIZE: u32 = NVM_SIZE as u32;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn card(folder: &Path) -> SledNvm {
    Store::open(folder).unwrap().card("card").unwrap()
}

fn read(nvm: &mut SledNvm, offset: u32, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    nvm.read(offset, &mut bytes).unwrap();
    bytes
}

#[test]
fn fresh_memory_is_erased() {
    let folder = folder();
    let mut nvm = card(folder.path());
    assert_eq!(nvm.capacity(), 65_536);
    assert_eq!(
        (SledNvm::READ_SIZE, SledNvm::WRITE_SIZE, SledNvm::ERASE_SIZE),
        (1, 1, 2048)
    );
    assert_eq!(read(&mut nvm, 0, NVM_SIZE), [0xFF; NVM_SIZE]);
}

#[test]
fn a_write_can_clear_bits_and_never_set_one() {
    let folder = folder();
    let mut nvm = card(folder.path());
    nvm.write(100, &[0b1010_1010, 0x00, 0xFF]).unwrap();
    nvm.write(100, &[0b1000_0010, 0x00, 0x7F]).unwrap();
    assert_eq!(read(&mut nvm, 99, 5), [0xFF, 0b1000_0010, 0x00, 0x7F, 0xFF]);

    let error = nvm.write(100, &[0b0000_0000, 0b0000_0001]).unwrap_err();
    assert!(
        matches!(error, NvmError::NotErased { offset: 101 }),
        "{error}"
    );
    assert_eq!(
        read(&mut nvm, 99, 4),
        [0xFF, 0b1000_0010, 0x00, 0x7F],
        "nothing was written"
    );
}

#[test]
fn an_erase_sets_whole_pages_and_no_other() {
    let folder = folder();
    let mut nvm = card(folder.path());
    nvm.write(0, &[0; NVM_SIZE]).unwrap();
    nvm.erase(PAGE, 3 * PAGE).unwrap();
    let bytes = read(&mut nvm, 0, NVM_SIZE);
    assert!(bytes[..PAGE_SIZE].iter().all(|&byte| byte == 0));
    assert!(
        bytes[PAGE_SIZE..3 * PAGE_SIZE]
            .iter()
            .all(|&byte| byte == 0xFF)
    );
    assert!(bytes[3 * PAGE_SIZE..].iter().all(|&byte| byte == 0));
    nvm.write(PAGE, b"again").unwrap();
    assert_eq!(read(&mut nvm, PAGE, 5), b"again");
}

#[test]
fn what_is_outside_the_memory_or_no_page_is_refused() {
    let folder = folder();
    let mut nvm = card(folder.path());
    let kind = |result: Result<(), NvmError>| result.unwrap_err().kind();
    assert_eq!(
        kind(nvm.read(SIZE, &mut [0])),
        NorFlashErrorKind::OutOfBounds
    );
    assert_eq!(
        kind(nvm.read(u32::MAX, &mut [0; 2])),
        NorFlashErrorKind::OutOfBounds
    );
    assert_eq!(
        kind(nvm.write(SIZE - 1, &[0; 2])),
        NorFlashErrorKind::OutOfBounds
    );
    assert_eq!(
        kind(nvm.erase(0, SIZE + PAGE)),
        NorFlashErrorKind::OutOfBounds
    );
    assert_eq!(kind(nvm.erase(PAGE, 0)), NorFlashErrorKind::OutOfBounds);
    assert_eq!(kind(nvm.erase(1, PAGE)), NorFlashErrorKind::NotAligned);
    assert_eq!(kind(nvm.erase(0, PAGE - 1)), NorFlashErrorKind::NotAligned);
    assert_eq!(read(&mut nvm, 0, NVM_SIZE), [0xFF; NVM_SIZE]);
}

#[test]
fn what_was_written_is_there_when_the_store_is_opened_again() {
    let folder = folder();
    let mut nvm = card(folder.path());
    nvm.write(0, &[0x11; NVM_SIZE]).unwrap();
    nvm.erase(PAGE, 2 * PAGE).unwrap();
    // Across the border of two chunks, and of two pages.
    nvm.write(PAGE + 60, b"twelve bytes").unwrap();
    nvm.flush().unwrap();
    let before = nvm.image().to_vec();
    drop(nvm);
    assert_eq!(card(folder.path()).image(), before);
    assert_eq!(&before[PAGE_SIZE + 60..][..12], b"twelve bytes");
    assert_eq!(before[PAGE_SIZE + 72], 0xFF);
}

#[test]
fn each_opening_is_another_life() {
    let folder = folder();
    assert_eq!(card(folder.path()).life(), 0);
    assert_eq!(card(folder.path()).life(), 1);
    assert_eq!(card(folder.path()).life(), 2);
}

#[test]
fn cards_in_one_store_are_apart() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let mut a = store.card("a").unwrap();
    let mut b = store.card("b").unwrap();
    a.write(0, b"a").unwrap();
    b.write(0, b"b").unwrap();
    assert_eq!(
        (read(&mut a, 0, 1), read(&mut b, 0, 1)),
        (b"a".to_vec(), b"b".to_vec())
    );
}

#[test]
fn a_card_is_opened_once_at_a_time() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let first = store.card("a").unwrap();
    assert!(matches!(store.card("a"), Err(StoreError::CardInUse(name)) if name == "a"));
    drop(first);
    store.card("a").unwrap();
}

#[test]
fn a_store_is_opened_once_at_a_time() {
    let folder = folder();
    let _first = Store::open(folder.path()).unwrap();
    let error = Store::open(folder.path()).err().unwrap();
    assert!(
        matches!(&error, StoreError::InUse(path) if path == folder.path()),
        "{error}"
    );
    assert!(error.to_string().contains("--data"), "{error}");
}

#[test]
fn names_that_are_none_are_refused() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    for name in ["", "a b", "a/b", "é", &"a".repeat(65)] {
        assert!(
            matches!(store.card(name), Err(StoreError::Name(_))),
            "{name}"
        );
    }
    store.card(&"a".repeat(64)).unwrap();
}

/// Writes one value into a card's tree behind the store's back, then opens the card.
fn tampered(key: &[u8], value: Option<&[u8]>) -> Result<SledNvm, StoreError> {
    let folder = folder();
    card(folder.path()).write(0, b"card").unwrap();
    let database = loop {
        // The store's lock goes some moments after the store.
        if let Ok(database) = sled::open(folder.path()) {
            break database;
        }
    };
    let tree = database.open_tree("card/card").unwrap();
    match value {
        Some(value) => tree.insert(key, value).unwrap(),
        None => tree.remove(key).unwrap(),
    };
    drop((tree, database));
    Store::open(folder.path()).unwrap().card("card")
}

#[test]
fn a_tree_that_is_no_card_is_refused_with_the_reason() {
    let size = |size: u32| [b"tillcard nvm 1 ", &size.to_be_bytes()[..]].concat();
    tampered(b"format", Some(&size(SIZE))).unwrap();
    for (key, value, reason) in [
        (&b"format"[..], Some(&size(SIZE / 2)[..]), "another size"),
        (b"format", Some(b"tillcard nvm 2 "), "another format"),
        (b"format", None, "doesn't say"),
        (b"life", Some(b"short"), "count of lives"),
        (&[0, 1], Some(&[0; 63]), "piece of its memory"),
        (&[4, 0], Some(&[0; 64]), "piece of its memory"),
        (b"something", Some(b"else"), "unknown"),
    ] {
        let error = tampered(key, value).err().unwrap().to_string();
        assert!(
            error.contains(reason) && error.contains("--name"),
            "{error}"
        );
    }
}

#[test]
fn a_folder_that_holds_something_else_is_refused() {
    let folder = folder();
    fs::write(folder.path().join("db"), [0x5A; 4096]).unwrap();
    fs::write(folder.path().join("conf"), [0x5A; 64]).unwrap();
    assert!(matches!(
        Store::open(folder.path()),
        Err(StoreError::Database { .. })
    ));

    let file = folder.path().join("db");
    assert!(matches!(Store::open(&file), Err(StoreError::Folder { .. })));
}

#[cfg(unix)]
#[test]
fn the_folder_is_its_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("new/emu");
    drop(Store::open(&path).unwrap());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o700
    );
}
