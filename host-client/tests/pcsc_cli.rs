//! The command line from the new wallet to the restored one, through a real reader.

mod reader_support;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use bitcoin::{Address, Network, ScriptBuf};
use reader_support::{DEADLINE, FIRST, Inserted, Tillcard, empty_readers, readers};
use tillcard::chain::regtest::{RegtestChain, RegtestServer};

const PIN: &str = "407112";

/// A user at home, with a chain.
struct User {
    home: tempfile::TempDir,
    server: RegtestServer,
    chain: Arc<RegtestChain>,
}

impl User {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let chain = Arc::new(RegtestChain::open(&home.path().join("chain")).unwrap());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = RegtestServer::start(Arc::clone(&chain), address).unwrap();
        Self {
            home,
            server,
            chain,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let chain = format!(
            "core:http://{}?cookie={}",
            self.server.address(),
            self.server.cookie().display()
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_tillcard"));
        command
            .args(arguments)
            .env("XDG_DATA_HOME", self.home.path())
            .env("TILLCARD_CHAIN", chain);
        command
    }

    /// Runs `tillcard` with this on its standard input.
    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that fails early may not have read it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// The same; it must succeed. Returns what it printed.
    #[track_caller]
    fn tillcard(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(
            output.status.success(),
            "tillcard {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn mine(&self) {
        let nobody = ScriptBuf::new_op_return([]);
        self.chain.mine(1, &nobody).unwrap();
    }
}

/// The words that `owner new` shows, and the address.
fn words_and_address(shown: &str) -> (String, String) {
    let numbered = shown.lines().filter_map(|line| {
        let (number, word) = line.trim().split_once(' ')?;
        number.parse::<u32>().ok()?;
        Some(word.to_owned())
    });
    let words: Vec<String> = numbered.collect();
    assert_eq!(words.len(), 12, "{shown}");
    (words.join(" "), shown.lines().last().unwrap().to_owned())
}

fn shop() -> String {
    let hash = bitcoin::hashes::Hash::from_byte_array([0x51; 20]);
    let script = ScriptBuf::new_p2wpkh(&hash);
    Address::from_script(&script, Network::Regtest)
        .unwrap()
        .to_string()
}

#[test]
fn from_new_words_to_restored_ones() {
    let _readers = empty_readers();
    let user = User::new();
    let (words, address) = words_and_address(&user.tillcard(&["owner", "new"], ""));
    user.tillcard(&["mine", "--blocks", "101", "--to", &address], "");

    let inserted = Inserted::put(Tillcard::fresh(1), FIRST);
    drop(readers(None).wait_for_card(Some(DEADLINE)).unwrap());

    // The two PINs differ: nothing happens.
    let failed = user.run(&["owner", "issue"], "1234\n1235\n");
    assert_eq!(failed.status.code(), Some(1));
    assert!(user.tillcard(&["owner", "status"], "").contains("No cards"));

    let pin_twice = format!("{PIN}\n{PIN}\n");
    let issued = user.tillcard(&["owner", "issue", "--label", "milk money"], &pin_twice);
    assert!(issued.contains("Card 0 is yours"), "{issued}");
    let again = user.run(&["owner", "issue"], &pin_twice);
    assert!(String::from_utf8_lossy(&again.stderr).contains("issued before"));

    let amount = ["--amount", "100,000 sat"];
    let topped_up = user.tillcard(
        &[&["owner", "topup", "--unconfirmed"], &amount[..]].concat(),
        "",
    );
    assert!(topped_up.contains("taken 100,000 sat"), "{topped_up}");
    user.mine();

    // A wrong PIN, then the right one; the shop is content with the mempool.
    let milk = [
        "till",
        "pay",
        "--amount",
        "21,000 sat",
        "--confirmations",
        "0",
    ];
    let shop = shop();
    let to_shop = [&milk[..], &["--to", &shop]].concat();
    let paid = user.tillcard(&to_shop, &format!("000000\n{PIN}\n"));
    let told: Vec<&str> = paid.lines().collect();
    for step in [
        "waiting for card",
        "wrong PIN, 2 tries left",
        "signing",
        "settled",
    ] {
        assert!(told.contains(&step), "{step}: {paid}");
    }
    user.mine();

    let status = user.tillcard(&["owner", "status"], "");
    assert!(status.contains("milk money"), "{status}");
    assert!(status.contains("words and chain bring it back"), "{status}");

    // The card is lost.
    let card = inserted.take_out();
    readers(None)
        .wait_for_removal(FIRST, Some(DEADLINE))
        .unwrap();
    let blocked = user.tillcard(&["owner", "block"], "");
    assert!(blocked.contains("Card 0 is blocked"), "{blocked}");
    assert!(blocked.contains("come back to your wallet"), "{blocked}");
    user.mine();

    // Somebody finds it.
    let inserted = Inserted::put(card, FIRST);
    let declined = user.run(&to_shop, &format!("{PIN}\n"));
    assert_eq!(declined.status.code(), Some(3));
    let said = String::from_utf8(declined.stdout).unwrap();
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("declined: coin "), "{said}");
    inserted.take_out();

    // The PC is lost too.
    let elsewhere = user.home.path().join("elsewhere");
    let folder = ["--folder", path(&elsewhere)];
    let restore = [&["owner", "restore"], &folder[..]].concat();
    let restored = user.tillcard(&restore, &format!("{words}\n"));
    assert!(restored.contains("ard 0"), "{restored}");
    let status = user.tillcard(&[&["owner", "status"], &folder[..]].concat(), "");
    assert!(status.contains("Card 0"), "{status}");
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
