//! What an owner types when his card is at home, through a real reader.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::cli_support::{PIN, User, shop, words_and_address};
use crate::reader_support::{
    DEADLINE, FIRST, Inserted, TestCard, Tillcard, empty_readers, readers,
};
use bitcoin::{Amount, OutPoint, Psbt, Sequence, Transaction, TxIn, TxOut, Txid};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tillcard::owner::CardRecord;
use tillcard_client::account::CardChain;
use tillcard_emu::CardInSlot;
use tillcard_emu::slot::{Layer, SlotError};

/// A user with a card in the reader that has coins of these amounts.
pub(crate) fn user_with_coins(
    seed: u64,
    issue: &[&str],
    amounts: &[&str],
) -> (User, Inserted<Tillcard>) {
    let user = User::new();
    let (_, address) = words_and_address(&user.tillcard(&["owner", "new"], ""));
    user.tillcard(&["mine", "--blocks", "101", "--to", &address], "");
    let inserted = Inserted::put(Tillcard::fresh(seed), FIRST);
    drop(readers(None).wait_for_card(Some(DEADLINE)).unwrap());
    let issue = [&["owner", "issue"], issue].concat();
    let issued = user.tillcard(&issue, &format!("{PIN}\n{PIN}\n"));
    assert!(issued.contains("payments without PIN"), "{issued}");
    for amount in amounts {
        let top_up = ["owner", "topup", "--unconfirmed", "--amount", amount];
        user.tillcard(&top_up, "");
        user.mine();
    }
    (user, inserted)
}

fn pay(user: &User, amount: &str, more: &[&str], typed: &str) {
    let shop = shop();
    let pay = [
        "till",
        "pay",
        "--amount",
        amount,
        "--to",
        &shop,
        "--merchant",
        "Café Müller",
        "--confirmations",
        "0",
    ];
    user.tillcard(&[&pay[..], more].concat(), typed);
}

/// The log is read, acknowledged, and the limits set anew; small payments need no PIN then.
#[test]
fn log_and_limits() {
    let _readers = empty_readers();
    let (user, inserted) = user_with_coins(31, &["--payments", "2"], &["100,000 sat"]);
    pay(&user, "21,000 sat", &[], &format!("{PIN}\n"));
    user.mine();
    let log = user.tillcard(&["owner", "log"], "");
    for part in [
        "Payment 0: 21,000 sat to bcrt1",
        "claimed by the terminal: to be “Café Müller”",
        "in a block",
        "New to the card's owner: 1 payment.",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
    let json: Value =
        serde_json::from_str(&user.tillcard(&["owner", "log", "--json"], "")).unwrap();
    let payment = &json["payments"][0];
    assert_eq!(payment["facts"]["amount_sat"], 21_000);
    assert_eq!(
        payment["claimed_by_the_terminal"]["merchant"],
        "Café Müller"
    );
    assert_eq!(payment["chain"]["state"], "confirmed");

    let few = ["owner", "limits", "--without-pin", "5,000 sat"];
    let early = user.run(&few, "");
    let said = String::from_utf8(early.stderr).unwrap();
    assert!(said.contains("owner acknowledge"), "{said}");
    let acknowledge = ["owner", "acknowledge", "--confirmations", "1"];
    let read = user.tillcard(&acknowledge, "");
    assert!(read.contains("forgets 1 payment as settled"), "{read}");
    let set = user.tillcard(&few, "");
    assert!(set.contains("up to 5,000 sat each, 10 of them"), "{set}");
    pay(&user, "4,000 sat", &["--no-pin"], "");
    let limits = user.tillcard(&["owner", "limits"], "");
    assert!(
        limits.contains("in 1 payment, 1 of them without PIN"),
        "{limits}"
    );
    inserted.take_out();
}

/// A payment that the shop sent at a low fee is taken back, and the card told.
#[test]
fn a_payment_is_cancelled() {
    let _readers = empty_readers();
    let (user, inserted) = user_with_coins(32, &[], &["100,000 sat"]);
    pay(
        &user,
        "21,000 sat",
        &["--fee-rate", "1"],
        &format!("{PIN}\n"),
    );
    let early = user.run(&["owner", "resolve", "0"], "");
    let said = String::from_utf8(early.stderr).unwrap();
    assert!(said.contains("not in a block yet"), "{said}");
    let cancelled = user.tillcard(&["owner", "cancel", "0"], "");
    assert!(cancelled.contains("owner resolve 0"), "{cancelled}");
    user.mine();
    let resolve = ["owner", "resolve", "0", "--confirmations", "1"];
    let resolved = user.tillcard(&resolve, "");
    assert!(resolved.contains("never will be"), "{resolved}");
    let log = user.tillcard(&["owner", "log"], "");
    assert!(log.contains("cancelled"), "{log}");
    let again = user.run(&["owner", "cancel", "0"], "");
    assert_eq!(again.status.code(), Some(1));
    inserted.take_out();
}

/// Coins are shown beside the chain, moved into one, and entered.
#[test]
fn coins_become_one() {
    let _readers = empty_readers();
    let (user, inserted) =
        user_with_coins(33, &["--leaf-delay", "144"], &["20,000 sat", "30,000 sat"]);
    let coins = user.tillcard(&["owner", "coins"], "");
    assert!(
        coins.contains("50,000 sat to be spent; the card knows 2 coins"),
        "{coins}"
    );
    let one = user.tillcard(&["owner", "consolidate"], "");
    assert!(one.contains("2 coins become one"), "{one}");
    user.mine();
    let coins = user.tillcard(&["owner", "coins"], "");
    assert!(coins.contains("hasn't heard of it"), "{coins}");
    let entered = user.tillcard(&["owner", "enter"], "");
    assert!(entered.contains("The card has taken"), "{entered}");
    let coins = user.tillcard(&["owner", "coins"], "");
    assert!(coins.contains("knows 1 coin."), "{coins}");
    let nothing = user.tillcard(&["owner", "topup"], "");
    assert!(nothing.contains("told of all its coins"), "{nothing}");
    let status = user.tillcard(&["owner", "status"], "");
    assert!(status.contains("144 blocks deep"), "{status}");
    inserted.take_out();
}

/// A PSBT in a file is shown, signed when the owner says so, and written back; Base64 stays Base64
/// and binary stays binary.
#[test]
fn a_psbt_is_signed() {
    let _readers = empty_readers();
    for (seed, binary) in [(34, false), (35, true)] {
        let (user, inserted) = user_with_coins(seed, &["--import", "--no-leaf"], &["20,000 sat"]);
        let file = user.home.path().join("payment.psbt");
        let unsigned = psbt_of(&user.home.path().join("tillcard/owner/cards/0.json"));
        let bytes = match binary {
            true => unsigned.serialize(),
            false => unsigned.to_string().into_bytes(),
        };
        std::fs::write(&file, &bytes).unwrap();
        let sign = ["owner", "sign", file.to_str().unwrap()];
        let refused = user.run(&sign, "no\n");
        assert_eq!(refused.status.code(), Some(1));
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "untouched");
        let said = user.tillcard(&sign, "yes\n");
        assert!(
            said.contains("5,000 sat to others, 500 sat in fees"),
            "{said}"
        );
        assert!(said.contains("14,500 sat  to the card itself"), "{said}");
        let written = std::fs::read(&file).unwrap();
        let signed = match binary {
            true => Psbt::deserialize(&written).unwrap(),
            false => std::str::from_utf8(&written)
                .unwrap()
                .trim()
                .parse()
                .unwrap(),
        };
        assert!(signed.inputs[0].tap_key_sig.is_some());
        let coins = user.tillcard(&["owner", "coins"], "");
        assert!(coins.contains("knows 0 coins"), "{coins}");
        inserted.take_out();
    }
}

/// A PIN that was entered wrongly three times is unblocked at home, with a new PIN or as it is.
#[test]
fn a_blocked_pin_is_unblocked() {
    let _readers = empty_readers();
    let (user, inserted) = user_with_coins(36, &[], &["100,000 sat"]);
    block(&user);
    let status = user.tillcard(&["owner", "status"], "");
    assert!(
        status.contains("PIN      blocked: tillcard owner pin"),
        "{status}"
    );

    let differ = user.run(&["owner", "pin"], "314159\n314158\n");
    assert_eq!(differ.status.code(), Some(1));
    let said = user.tillcard(&["owner", "pin"], "314159\n314159\n");
    assert!(said.contains("Card 0 has its new PIN"), "{said}");
    assert!(
        said.contains("isn't blocked any more: 3 tries left"),
        "{said}"
    );
    pay(&user, "4,000 sat", &[], "314159\n");
    user.mine();

    block(&user);
    let said = user.tillcard(&["owner", "pin", "--keep"], "");
    assert!(said.contains("Card 0 has the PIN that it had"), "{said}");
    pay(&user, "4,000 sat", &[], "314159\n");
    inserted.take_out();
}

/// Enters wrong PINs in the shop until the till is told that the PIN is blocked.
fn block(user: &User) {
    let shop = shop();
    let pay = ["till", "pay", "--amount", "4,000 sat", "--to", &shop];
    let declined = user.run(&pay, "000000\n000000\n000000\n");
    assert_eq!(declined.status.code(), Some(3));
    let said = String::from_utf8(declined.stdout).unwrap();
    assert!(said.contains("the PIN is blocked"), "{said}");
}

/// The card obeys another owner key; folder and words both keep up with it. After a restore the
/// limits are those of the card, and said to be unknown while it isn't there.
#[test]
fn another_owner_key_and_a_restore() {
    let _readers = empty_readers();
    let (user, inserted) = user_with_coins(37, &["--payments", "7"], &["100,000 sat"]);
    let words = std::fs::read_to_string(user.home.path().join("tillcard/owner/words")).unwrap();
    let known = user.tillcard(&["owner", "adopt"], "");
    assert!(
        known.contains("card 0 (“card”), which was known"),
        "{known}"
    );
    let rotated = user.tillcard(&["owner", "rotate-key"], "");
    assert!(rotated.contains("obeys a new owner key"), "{rotated}");
    let limits = user.tillcard(&["owner", "limits"], "");
    assert!(limits.contains("and 7 payments"), "{limits}");

    let elsewhere = user.home.path().join("elsewhere");
    let folder = ["--folder", elsewhere.to_str().unwrap()];
    user.tillcard(&[&["owner", "restore"], &folder[..]].concat(), &words);
    let card = inserted.take_out();
    readers(None)
        .wait_for_removal(FIRST, Some(DEADLINE))
        .unwrap();
    let status = [&["owner", "status"], &folder[..]].concat();
    let absent = user.tillcard(&status, "");
    assert!(
        absent.contains("not known here since the restore"),
        "{absent}"
    );

    let inserted = Inserted::put(card, FIRST);
    drop(readers(None).wait_for_card(Some(DEADLINE)).unwrap());
    // Words and chain don't tell its keys: it is taken up by its certificates first.
    let unknown = user.run(&[&["owner", "limits"], &folder[..]].concat(), "");
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains("error[card-keys-unknown]"), "{said}");
    let adopted = user.tillcard(&[&["owner", "adopt"], &folder[..]].concat(), "");
    assert!(adopted.contains("The card is genuine"), "{adopted}");
    assert!(adopted.contains("and 7 payments"), "{adopted}");
    let present = user.tillcard(&status, "");
    assert!(present.contains("as the card says now"), "{present}");
    assert!(present.contains("and 7 payments"), "{present}");
    assert!(present.contains("PIN      3 tries left"), "{present}");
    inserted.take_out();
    readers(None)
        .wait_for_removal(FIRST, Some(DEADLINE))
        .unwrap();
    let absent = user.tillcard(&status, "");
    assert!(absent.contains("as this PC last knew them"), "{absent}");
}

/// Somebody between reader and card says that it has no certificates.
struct Withholding(Tillcard);

impl Layer for Withholding {
    type Inner = Tillcard;

    fn inner(&self) -> &Tillcard {
        &self.0
    }

    fn inner_mut(&mut self) -> &mut Tillcard {
        &mut self.0
    }

    fn on_transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        match command.get(..4) {
            Some([0x00, 0xCA, 0xBF, 0x21]) => Ok(&[0x6A, 0x88]),
            _ => self.0.transmit(command),
        }
    }
}

impl TestCard for Withholding {}

/// After a restore, and for a card that nobody ever paid, "no certificates" leads to no plain
/// session: nothing is learned from such a reader.
#[test]
fn a_card_is_taken_up_by_its_certificates_alone() {
    let _readers = empty_readers();
    for amounts in [&["100,000 sat"][..], &[]] {
        let (user, inserted) = user_with_coins(39, &[], amounts);
        let words = std::fs::read_to_string(user.home.path().join("tillcard/owner/words")).unwrap();
        let elsewhere = user.home.path().join("elsewhere");
        let folder = ["--folder", elsewhere.to_str().unwrap()];
        user.tillcard(&[&["owner", "restore"], &folder[..]].concat(), &words);
        let adopt = [&["owner", "adopt"], &folder[..]].concat();

        let card = inserted.take_out();
        readers(None)
            .wait_for_removal(FIRST, Some(DEADLINE))
            .unwrap();
        let shim = Inserted::put(Withholding(card), FIRST);
        drop(readers(None).wait_for_card(Some(DEADLINE)).unwrap());
        let refused = user.run(&adopt, "");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("error[card-unproven]"), "{said}");
        let top_up = ["owner", "topup", "--amount", "50,000 sat"];
        let unpaid = user.run(&[&top_up[..], &folder[..]].concat(), "");
        assert_eq!(unpaid.status.code(), Some(1));

        let card = shim.take_out().0;
        readers(None)
            .wait_for_removal(FIRST, Some(DEADLINE))
            .unwrap();
        let inserted = Inserted::put(card, FIRST);
        drop(readers(None).wait_for_card(Some(DEADLINE)).unwrap());
        let adopted = user.tillcard(&adopt, "");
        assert!(
            adopted.contains("Card 0 is yours") || adopted.contains("card 0"),
            "{adopted}"
        );
        let top_up = [&top_up[..], &["--unconfirmed"], &folder[..]].concat();
        let topped_up = user.tillcard(&top_up, "");
        assert!(topped_up.contains("taken 50,000 sat"), "{topped_up}");
        inserted.take_out();
        readers(None)
            .wait_for_removal(FIRST, Some(DEADLINE))
            .unwrap();
    }
}

/// While a top-up waits for its block, the owner blocks the card; Ctrl-C meanwhile says what the
/// money does.
#[test]
fn a_card_is_blocked_while_a_top_up_waits() {
    let _readers = empty_readers();
    let (user, inserted) = user_with_coins(40, &[], &["100,000 sat"]);
    let top_up = ["owner", "topup", "--amount", "50,000 sat"];
    let mut waiting = user
        .command(&top_up)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(waiting.stdout.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("Waiting for a block")));
    let blocked = user.tillcard(&["owner", "block"], "");
    assert!(blocked.contains("Card 0 is blocked"), "{blocked}");
    assert!(blocked.contains("come back to your wallet"), "{blocked}");

    let id = Pid::from_raw(waiting.id().try_into().unwrap()).unwrap();
    kill_process(id, Signal::INT).unwrap();
    let ended = waiting.wait_with_output().unwrap();
    // It may have seen in that moment that the coin is spent.
    let said = String::from_utf8(ended.stderr).unwrap();
    match ended.status.code() {
        Some(130) => assert!(
            said.contains("tillcard owner topup, without --amount"),
            "{said}"
        ),
        code => assert_eq!(
            (code, said.contains("top-ups-left")),
            (Some(1), true),
            "{said}"
        ),
    }
    inserted.take_out();
}

/// A card of another owner's is refused at once.
#[test]
fn a_card_of_another_owner_s_is_refused() {
    let _readers = empty_readers();
    let (user, inserted) = user_with_coins(38, &[], &[]);
    let elsewhere = user.home.path().join("elsewhere");
    let folder = ["--folder", elsewhere.to_str().unwrap()];
    user.tillcard(&[&["owner", "new"], &folder[..]].concat(), "");
    let adopt = user.run(&[&["owner", "adopt"], &folder[..]].concat(), "");
    assert_eq!(adopt.status.code(), Some(1));
    let said = String::from_utf8(adopt.stderr).unwrap();
    assert!(said.contains("isn't this owner's"), "{said}");
    inserted.take_out();
}

/// A PSBT that spends the card's first top-up: something to a shop, the rest back to the card.
fn psbt_of(record: &Path) -> Psbt {
    let record: CardRecord =
        serde_json::from_slice(&std::fs::read(record).unwrap()).expect("a card's file");
    let top_up = &record.top_ups[0];
    let (txid, vout): (Txid, u32) = (top_up.txid(), top_up.vout);
    let shop: bitcoin::Address<bitcoin::address::NetworkUnchecked> = shop().parse().unwrap();
    let transaction = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::new(txid, vout),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            ..Default::default()
        }],
        output: vec![
            TxOut {
                value: Amount::from_sat(5_000),
                script_pubkey: shop.assume_checked().script_pubkey(),
            },
            TxOut {
                value: Amount::from_sat(14_500),
                script_pubkey: record.account.script(CardChain::Receive, 3).unwrap(),
            },
        ],
    };
    let mut psbt = Psbt::from_unsigned_tx(transaction).unwrap();
    psbt.inputs[0].witness_utxo = Some(top_up.transaction.output[vout as usize].clone());
    psbt
}
