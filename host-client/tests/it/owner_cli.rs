//! What the owner's command line refuses before it does anything.

use std::process::{Command, Output};

fn owner(chain: &str, arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_tillcard"))
        .arg("owner")
        .args(arguments)
        .env("XDG_DATA_HOME", home.path())
        .env("TILLCARD_CHAIN", chain)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn an_amount_with_decimals_is_none() {
    for amount in ["0,012345", "0,012", "1,23"] {
        let said = owner("core:regtest", &["topup", "--amount", amount]);
        assert_eq!(said.status.code(), Some(2));
        let said = String::from_utf8(said.stderr).unwrap();
        assert!(said.contains("without decimals"), "{said}");
    }
}

#[test]
fn a_node_elsewhere_is_not_believed_over_plain_http() {
    // Of the addresses for documentation (RFC 5737): nothing is sent to it.
    let chain = "core:http://user:password@192.0.2.1:8332";
    for command in [&["new"][..], &["status"], &["block"], &["restore"]] {
        let refused = owner(chain, command);
        let said = String::from_utf8(refused.stderr).unwrap();
        let is_told = said.contains("error[node-plain-http]") || said.contains("holds no owner");
        assert_eq!((refused.status.code(), is_told), (Some(1), true), "{said}");
        assert!(!said.contains("password@"), "{said}");
    }
    let said = String::from_utf8(owner(chain, &["new"]).stderr).unwrap();
    assert!(said.contains("--plain-http"), "{said}");
}
