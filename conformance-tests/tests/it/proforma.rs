//! What maker and laboratory say of a card before it is tested.

use boon::{Compiler, Schemas};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use tillcard_conform::card_under_test::EmulatorTarget;
use tillcard_conform::proforma::{Declaration, Ics};
use tillcard_conform::report::Report;
use tillcard_conform::runner::run_silently;
use tillcard_conform::schema::File;

fn schema_path(file: File) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    folder.join(format!("{}.schema.json", file.name()))
}

#[test]
fn the_schemas_in_the_repository_are_those_of_the_program() {
    for file in File::ALL {
        let told = fs::read_to_string(schema_path(file)).unwrap_or_default();
        let name = file.name();
        assert_eq!(
            told,
            file.schema(),
            "tillcard-conform schema {name} > conformance-tests/schema/{name}.schema.json"
        );
    }
}

/// Credits: bit 5 of the capabilities, in the last of their bytes in the answer to GET DATA.
const CREDITS: (usize, u8) = (9, 1 << 5);

#[test]
fn an_option_is_told_that_is_stated_and_not_declared_or_the_other_way_round() {
    let card = run_silently(Box::new(EmulatorTarget), 1, &["TC-FRM-01"]).card;
    let card = card.unwrap();
    let mut ics = Ics::of(&card).unwrap();
    assert!(Declaration::compare(&ics, &card).agrees());
    let mut shown = hex::decode(&card.capabilities).unwrap();
    let (at, bit) = CREDITS;
    shown[at] &= !bit;
    let mut lesser = card.clone();
    lesser.capabilities = hex::encode_upper(shown);
    let found = Declaration::compare(&ics, &lesser);
    assert_eq!((found.over.len(), found.under.len()), (1, 0), "{found:?}");
    assert!(found.over[0].contains("credits") && !found.agrees());
    ics.options.credits = false;
    let found = Declaration::compare(&ics, &card);
    assert_eq!((found.over.len(), found.under.len()), (0, 1), "{found:?}");
}

fn assert_valid(file: File, toml: &Path) {
    let mut schemas = Schemas::new();
    let schema = Compiler::new()
        .compile(schema_path(file).to_str().unwrap(), &mut schemas)
        .unwrap();
    let value: Value = toml::from_str(&fs::read_to_string(toml).unwrap()).unwrap();
    schemas
        .validate(&value, schema)
        .unwrap_or_else(|e| panic!("{e:#}"));
    let mut more = value;
    more["colour"] = "green".into();
    assert!(schemas.validate(&more, schema).is_err());
}

fn suite(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tillcard-conform"))
        .args(arguments)
        .output()
        .unwrap()
}

/// A folder with the statements that `probe` draws from the reference card.
fn probed() -> (TempDir, [String; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let ended = suite(&["probe", "--target", "emulator", path]);
    assert!(ended.status.success(), "{ended:?}");
    let files = ["ics.toml", "ixit.toml"].map(|name| format!("{path}/{name}"));
    (folder, files)
}

fn change(path: &str, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} isn't in {text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Runs one case with these statements.
fn run(folder: &TempDir, [ics, ixit]: &[String; 2]) -> (Output, Report) {
    let report = folder.path().join("out");
    let ended = suite(&[
        "run",
        "--ics",
        ics,
        "--ixit",
        ixit,
        "--filter",
        "TC-FRM-01",
        "--report",
        report.to_str().unwrap(),
    ]);
    let json = fs::read_to_string(report.join("report.json")).unwrap();
    (ended, serde_json::from_str(&json).unwrap())
}

#[test]
fn a_card_is_what_was_drawn_from_it() {
    let (folder, files) = probed();
    for (file, path) in [File::Ics, File::Ixit].into_iter().zip(&files) {
        assert_valid(file, Path::new(path));
    }
    let text = fs::read_to_string(&files[1]).unwrap();
    fs::write(&files[1], format!("seed = 7\n{text}serial = \"A7\"\n")).unwrap();
    let (ended, report) = run(&folder, &files);
    assert!(ended.status.success(), "{ended:?}");
    assert!(report.declaration.as_ref().is_some_and(|it| it.agrees()));
    assert_eq!(
        (report.seed, report.sample.serial.as_deref()),
        (7, Some("A7"))
    );
    assert_eq!(report.ics.unwrap().protocol, report.protocol);
    // A file that somebody has corrected isn't lost.
    let again = suite(&[
        "probe",
        "--target",
        "emulator",
        folder.path().to_str().unwrap(),
    ]);
    assert_eq!(again.status.code(), Some(2));
}

#[test]
fn what_a_maker_says_too_much_or_too_little_is_told_and_stands_in_the_way() {
    let (folder, files) = probed();
    change(&files[0], "credits = true", "credits = false");
    let shown = fs::read_to_string(&files[0]).unwrap();
    let coins = shown
        .lines()
        .find(|line| line.starts_with("coins = "))
        .unwrap();
    change(&files[0], coins, "coins = 65535");
    change(&files[0], "atr = \"3B", "atr = \"3F");
    let (ended, report) = run(&folder, &files);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let found = report.declaration.as_ref().unwrap();
    assert_eq!(found.under, ["credits"]);
    assert!(
        found.over[0].starts_with("coins: 65535 stated"),
        "{found:?}"
    );
    assert!(found.other[0].starts_with("atr: 3F"), "{found:?}");
    assert!(!report.conforms && !report.is_clean() && report.is_consistent());
    let told = String::from_utf8(ended.stdout).unwrap();
    assert!(
        told.contains("Declared by the card and not stated: credits."),
        "{told}"
    );
    assert!(
        told.contains("Stated and not declared by the card: coins: 65535"),
        "{told}"
    );
}

#[test]
fn a_file_that_is_no_statement_is_told() {
    let (folder, files) = probed();
    let refused = |option: &str, file: &str, code: &str| {
        let ended = suite(&["run", "--target", "emulator", option, file]);
        assert_eq!(ended.status.code(), Some(2));
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(told.contains(code) && told.contains(file), "{told}");
    };
    refused("--ics", &files[1], "[bad-ics]");
    refused("--ixit", &files[0], "[bad-ixit]");
    refused(
        "--ics",
        folder.path().join("none").to_str().unwrap(),
        "[unreadable]",
    );
    change(&files[0], "protocol = \"0.", "protocol = \"9.");
    refused("--ics", &files[0], "[bad-ics]");
}
