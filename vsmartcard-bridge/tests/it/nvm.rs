//! The card's memory on the disk.

use std::fs;
use std::path::Path;

use embedded_storage::nor_flash::{NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use tempfile::TempDir;
use tillcard_emu::nvm::{CardMemory, MemoryDamage, NvmError, SledNvm, Store, StoreError};
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

/// The database behind the store's back, whose lock goes some moments after the store.
fn database(folder: &Path) -> sled::Db {
    loop {
        if let Ok(database) = sled::open(folder) {
            return database;
        }
    }
}

/// A folder in which a card was written to twice.
fn used() -> TempDir {
    let folder = folder();
    let mut nvm = card(folder.path());
    for (offset, bytes) in [(0, b"card"), (100, b"more")] {
        nvm.write(offset, bytes).unwrap();
        nvm.flush().unwrap();
    }
    folder
}

/// Writes one value into a card's tree, then opens the card.
fn tampered(key: &[u8], value: Option<&[u8]>) -> Result<SledNvm, StoreError> {
    let folder = used();
    let database = database(folder.path());
    let tree = database.open_tree("card/card").unwrap();
    match value {
        Some(value) => tree.insert(key, value).unwrap(),
        None => tree.remove(key).unwrap(),
    };
    drop((tree, database));
    Store::open(folder.path()).unwrap().card("card")
}

fn format(version: u8, size: u32) -> Vec<u8> {
    [b"tillcard nvm ", &[version, b' '][..], &size.to_be_bytes()].concat()
}

#[test]
fn a_tree_that_is_no_card_is_refused_with_the_reason() {
    tampered(b"format", Some(&format(b'2', SIZE))).unwrap();
    for (key, value, reason) in [
        (
            &b"format"[..],
            Some(&format(b'2', SIZE / 2)[..]),
            "another size",
        ),
        (b"format", Some(b"tillcard nvm 3 "), "another format"),
        (b"format", None, "doesn't say"),
        (b"life", Some(b"short"), "count of lives"),
        (b"flushes", Some(b"short"), "count of flushes"),
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
fn a_memory_that_was_changed_is_damaged_and_stays_as_it_is() {
    let flushes = |count: u64| count.to_be_bytes();
    for (key, value, damage) in [
        (&[0, 1][..], Some(&[0; 72][..]), MemoryDamage::Changed),
        (&[0, 1], Some(&[0; 64]), MemoryDamage::Changed),
        (&[4, 0], Some(&[0; 72]), MemoryDamage::Changed),
        (b"flushes", Some(&flushes(1)), MemoryDamage::RolledBack),
        (b"flushes", None, MemoryDamage::RolledBack),
    ] {
        let mut nvm = tampered(key, value).unwrap();
        assert_eq!(nvm.damage(), Some(damage), "{key:?}");
        assert!(matches!(nvm.read(0, &mut [0]), Err(NvmError::Damaged(_))));
        assert!(matches!(nvm.write(0, &[0]), Err(NvmError::Damaged(_))));
        nvm.flush().unwrap();
    }
}

#[test]
fn every_byte_of_a_chunk_is_checked() {
    let folder = used();
    let database = database(folder.path());
    let tree = database.open_tree("card/card").unwrap();
    let value = tree.get([0, 1]).unwrap().unwrap();
    drop((tree, database));
    for byte in 0..value.len() {
        let mut changed = value.to_vec();
        changed[byte] ^= 0x01;
        let nvm = tampered(&[0, 1], Some(&changed)).unwrap();
        assert_eq!(nvm.damage(), Some(MemoryDamage::Changed), "byte {byte}");
    }
}

/// Copies the files of a folder into one that is there.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_memory_of_an_earlier_time_is_found() {
    let (folder, earlier) = (used(), folder());
    drop(database(folder.path()));
    copy(folder.path(), earlier.path());
    let mut nvm = card(folder.path());
    assert_eq!(nvm.damage(), None);
    nvm.write(200, b"paid").unwrap();
    nvm.flush().unwrap();
    drop(nvm);
    drop(database(folder.path()));
    // The whole folder of an earlier time can't be told from a card that rested.
    assert_eq!(card(earlier.path()).damage(), None);
    drop(database(earlier.path()));
    let counts = fs::read(folder.path().join("flush-counts/card")).unwrap();
    fs::write(earlier.path().join("flush-counts/card"), &counts).unwrap();
    let nvm = card(earlier.path());
    assert_eq!(nvm.damage(), Some(MemoryDamage::RolledBack));
    drop(nvm);
    // Nothing was changed by looking: it is found again.
    assert_eq!(
        card(earlier.path()).damage(),
        Some(MemoryDamage::RolledBack)
    );
}

#[test]
fn a_database_that_lost_its_end_or_a_piece_never_gives_an_older_card_without_a_word() {
    let folder = used();
    drop(database(folder.path()));
    let file = folder.path().join("db");
    let whole = fs::read(&file).unwrap();
    let counts = fs::read(folder.path().join("flush-counts/card")).unwrap();
    // The database keeps room at its end.
    let end = whole.iter().rposition(|&byte| byte != 0).unwrap();
    let mut found = 0;
    for place in 1..40 {
        let mut bytes = whole.clone();
        let at = end * place / 40;
        match place % 2 {
            0 => bytes[at..].fill(0),
            _ => bytes[at..at + 3].fill(0x5A),
        }
        let spoiled = self::folder();
        copy(folder.path(), spoiled.path());
        fs::write(spoiled.path().join("db"), bytes).unwrap();
        fs::write(spoiled.path().join("flush-counts/card"), &counts).unwrap();
        let opened = Store::open(spoiled.path()).and_then(|store| store.card("card"));
        match opened {
            Err(_) => found += 1,
            Ok(nvm) if nvm.damage().is_some() => found += 1,
            Ok(mut nvm) => {
                let what = (read(&mut nvm, 0, 4), read(&mut nvm, 100, 4));
                assert_eq!(what, (b"card".to_vec(), b"more".to_vec()), "place {place}");
            }
        }
    }
    assert!(found > 5, "{found}");
}

#[test]
fn what_it_is_compared_with_is_missed() {
    let folder = used();
    let file = folder.path().join("flush-counts/card");
    fs::write(&file, b"rubbish").unwrap();
    assert_eq!(card(folder.path()).damage(), Some(MemoryDamage::SecondCopy));
    fs::remove_file(&file).unwrap();
    assert_eq!(card(folder.path()).damage(), Some(MemoryDamage::SecondCopy));
    let gone = used();
    assert!(database(gone.path()).drop_tree("card/card").unwrap());
    assert_eq!(card(gone.path()).damage(), Some(MemoryDamage::Lost));
}

#[test]
fn a_store_of_an_older_version_is_read_and_written_anew() {
    let folder = folder();
    let database = self::database(folder.path());
    let tree = database.open_tree("card/card").unwrap();
    tree.insert("format", format(b'1', SIZE)).unwrap();
    tree.insert("life", &3_u64.to_be_bytes()).unwrap();
    let mut chunk = [0xFF; 64];
    chunk[..4].copy_from_slice(b"card");
    tree.insert([0, 2], &chunk[..]).unwrap();
    drop((tree, database));
    for life in 3..5 {
        let mut nvm = card(folder.path());
        assert_eq!((nvm.life(), nvm.damage()), (life, None));
        assert_eq!(read(&mut nvm, 128, 4), b"card");
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
