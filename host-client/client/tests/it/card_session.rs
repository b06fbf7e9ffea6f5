//! The typed session with the real card, in process.

use crate::card_support::{
    Authority, Between, LIMITS, Middle, PIN, PLAIN, TestCard, TestOwner, blank_card, fresh_card,
    issue, payee, pin, try_issue,
};
use bitcoin::{Amount, Network, OutPoint};
use tillcard_client::FeeRate;
use tillcard_client::account::{CardChain, Provenance};
use tillcard_client::card::{self, CardError, Issued, Opened, PaymentOrder, Session};
use tillcard_client::card::{CheckError, check_payment};
use tillcard_client::transport::{Transport, TransportError};

const COIN: u64 = 60_000;

fn order(amount: u64) -> PaymentOrder {
    let rate = FeeRate::from_sat_per_kvb(2_000);
    PaymentOrder::new(Amount::from_sat(amount), rate, payee(0x44)).expect("an identity")
}

/// With a card without certificates: it tells its account in a plain session too.
fn with_coin(seed: u64) -> (TestOwner, Session<TestCard, Issued>, OutPoint) {
    let (owner, session) = issue(blank_card(seed));
    let funding = owner.funding(0, COIN);
    let authority = owner.authority();
    let mut session = session.as_owner(&authority);
    let entered = session
        .enter_coin(&funding, 1, CardChain::Receive, 0)
        .expect("entered");
    assert_eq!(entered, Amount::from_sat(COIN));
    let outpoint = OutPoint::new(funding.compute_txid(), 1);
    (owner, session.leave(), outpoint)
}

fn status<S>(failed: card::Failed<S>) -> u16 {
    failed.error.status().expect("a status word")
}

#[test]
fn a_fresh_card_is_told_from_an_issued_one() {
    let Opened::Factory(session) = card::open(fresh_card(1)).unwrap() else {
        panic!("a fresh card");
    };
    assert_eq!(session.capabilities().tries, 3);
    let (_, session) = issue(session.into_transport());
    assert_eq!(session.tries_left(), 3);
    let reopened = card::open(session.into_transport()).unwrap();
    assert_eq!(reopened.factory().err(), Some(CardError::IssuedBefore));
    let fresh = card::open(fresh_card(2)).unwrap();
    assert_eq!(fresh.issued().err(), Some(CardError::NotIssued));
}

/// One command is answered with one bit changed.
struct Liar {
    instruction: u8,
    byte: usize,
}

impl Middle for Liar {
    fn answer(&mut self, card: &mut TestCard, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut answer = card.transmit(command)?;
        if command[1] == self.instruction {
            answer[self.byte] ^= 1;
        }
        Ok(answer)
    }
}

#[test]
fn an_issue_record_that_isn_t_true_is_found_out() {
    // `80 21 P ‖ 81 20 chain code ‖ 82 21 identity key ‖ 83 21 agreement key ‖ 84 10 salt ‖
    // 85 40 signature`
    for (byte, part) in [
        (2 + 5, "account key"),
        (37 + 5, "chain code"),
        (71 + 5, "identity key"),
        (106 + 5, "agreement key"),
        (141 + 5, "salt"),
        (159 + 5, "signature"),
    ] {
        let instruction = 0x10;
        let liar = Between::new(fresh_card(20), Liar { instruction, byte });
        let error = try_issue(liar).err().expect("a lie").error;
        let expected = match part {
            "account key" | "chain code" => matches!(error, CardError::DishonestKey),
            _ => matches!(error, CardError::IssueRecord(_)),
        };
        assert!(expected, "{part}: {error}");
    }
}

#[test]
fn scripts_are_those_of_the_descriptor() {
    let (owner, session) = issue(fresh_card(3));
    let Ok(mut holder) = session.verify(&pin(PIN)) else {
        panic!("the right PIN");
    };
    assert_eq!(holder.receive_script().unwrap(), (0, owner.script(0, 0)));
}

#[test]
fn wrong_pins_count_down_and_block() {
    let (_, mut session) = issue(fresh_card(4));
    for left in [2, 1, 0] {
        let failed = session.verify(&pin(b"9999")).err().expect("a wrong PIN");
        assert_eq!(failed.error, CardError::WrongPin { tries_left: left });
        session = failed.session;
        let (asked, same) = session.query_tries().expect("tries");
        assert_eq!(asked, left);
        session = same;
    }
    let failed = session.verify(&pin(PIN)).err().expect("a blocked PIN");
    assert_eq!(failed.error, CardError::PinBlocked);
}

#[test]
fn a_payment_is_what_was_asked_and_promised() {
    let (owner, session, outpoint) = with_coin(5);
    let order = order(21_000);
    let session = session.verify(&pin(PIN)).expect("the PIN");
    let session = session.preview(order.clone()).expect("a preview");
    let preview = session.preview().clone();
    assert_eq!(preview.outpoints, [outpoint]);
    assert_eq!(
        preview.change + preview.fee + order.amount,
        Amount::from_sat(COIN)
    );
    let (bytes, session) = session.pay().expect("paid");
    let coins = [owner.funding(0, COIN).output[1].clone()];
    let transaction = check_payment(&bytes, &order, &preview, &coins).unwrap();
    let change = transaction
        .output
        .iter()
        .find(|o| o.value == preview.change);
    assert_eq!(change.unwrap().script_pubkey, owner.script(1, 0));

    // The change pays the next one.
    let session = session.verify(&pin(PIN)).expect("the PIN");
    let session = session.preview(self::order(21_000)).expect("a preview");
    assert_eq!(
        session.preview().outpoints[0].txid,
        transaction.compute_txid()
    );
}

#[test]
fn a_payment_without_preview() {
    let (_, session, _) = with_coin(6);
    let session = session.verify(&pin(PIN)).expect("the PIN");
    let (bytes, _) = session.pay(&order(21_000)).expect("paid");
    let transaction: bitcoin::Transaction = bitcoin::consensus::deserialize(&bytes).unwrap();
    assert_eq!(transaction.input.len(), 1);
}

#[test]
fn sixteen_inputs_come_through_get_response() {
    let (owner, session) = issue(fresh_card(7));
    let authority = owner.authority();
    let mut session = session.as_owner(&authority);
    for index in 0..16 {
        let funding = owner.funding(index, 6_000);
        session
            .enter_coin(&funding, 1, CardChain::Receive, index)
            .expect("entered");
    }
    let order = order(89_000);
    let session = session.leave().verify(&pin(PIN)).expect("the PIN");
    let before = session.apdus();
    let session = session.preview(order.clone()).expect("a preview");
    let preview = session.preview().clone();
    assert_eq!(preview.outpoints.len(), 16);
    let (bytes, session) = session.pay().expect("paid");
    assert!(session.apdus() > before + 2, "answers above 256 bytes");
    let coins: Vec<_> = preview
        .outpoints
        .iter()
        .map(|outpoint| {
            let mut made = (0..16).map(|index| owner.funding(index, 6_000));
            let made = made.find(|tx| tx.compute_txid() == outpoint.txid);
            made.expect("one of ours").output[1].clone()
        })
        .collect();
    check_payment(&bytes, &order, &preview, &coins).unwrap();
}

#[test]
fn refusals_have_their_status_words() {
    let (_, session, _) = with_coin(8);
    let session = session.verify(&pin(PIN)).expect("the PIN");
    let failed = session.preview(order(LIMITS.per_payment + 1)).err();
    let failed = failed.expect("over the limit");
    assert!(failed.to_string().contains("limit for one payment"));
    assert_eq!(failed.error.status(), Some(0x9403));
    // The refusal ended the authorisation.
    let session = failed.session.verify(&pin(PIN)).expect("the PIN");
    let failed = session.preview(order(60_000)).err().expect("too much");
    assert_eq!(status(failed), 0x9401);
}

#[test]
fn a_reset_ends_the_authorisation() {
    let (_, session, _) = with_coin(9);
    let session = session.verify(&pin(PIN)).expect("the PIN");
    let mut transport = session.into_transport();
    transport.power_cut().unwrap();
    let session = card::open(transport).unwrap().issued().unwrap();
    assert_eq!(session.tries_left(), 3);
    let session = session.verify(&pin(PIN)).expect("the PIN");
    let session = session.preview(order(21_000)).expect("a preview");
    let mut transport = session.into_transport();
    transport.reset().unwrap();
    let answer = transport.transmit(&[0x80, 0x30, 0, 0, 0]).unwrap();
    assert_eq!(answer, [0x69, 0x85]);
}

#[test]
fn another_owner_is_refused() {
    let (owner, session, _) = with_coin(10);
    let stranger = Authority(owner.leaf_key, owner.account.card_id());
    let mut session = session.as_owner(&stranger);
    let refused = session.enter_coin(&owner.funding(1, COIN), 1, CardChain::Receive, 1);
    assert_eq!(refused.unwrap_err().status(), Some(0x6982));
    let other_card = Authority(owner.owner_key, [0; 16]);
    let mut session = session.leave().as_owner(&other_card);
    let refused = session.enter_coin(&owner.funding(1, COIN), 1, CardChain::Receive, 1);
    assert_eq!(refused.unwrap_err().status(), Some(0x6982));
}

#[test]
fn a_coin_enters_only_by_the_transaction_that_makes_it() {
    let (owner, session, _) = with_coin(11);
    let authority = owner.authority();
    let mut session = session.as_owner(&authority);
    for (vout, index, refusal) in [
        (1, 0, 0x6A89),  // in the card already
        (0, 1, 0x940C),  // pays somebody else
        (2, 1, 0x940B),  // isn't there
        (1, 10, 0x940C), // pays another index
        (1, 11, 0x9410), // not given out
    ] {
        let number = if refusal == 0x6A89 { 0 } else { 1 };
        let refused = session.enter_coin(
            &owner.funding(number, COIN),
            vout,
            CardChain::Receive,
            index,
        );
        assert_eq!(
            refused.unwrap_err().status(),
            Some(refusal),
            "output {vout}, index {index}"
        );
    }
}

#[test]
fn a_lying_card_is_found_out() {
    let (owner, session, _) = with_coin(12);
    let order = order(21_000);
    let session = session.verify(&pin(PIN)).expect("the PIN");
    let session = session.preview(order.clone()).expect("a preview");
    let preview = session.preview().clone();
    let (bytes, _) = session.pay().expect("paid");
    let coins = [owner.funding(0, COIN).output[1].clone()];

    let mut other_amount = order.clone();
    other_amount.amount += Amount::ONE_SAT;
    let mut other_payee = order.clone();
    other_payee.payee = payee(0x45);
    for other in [other_amount, other_payee] {
        assert_eq!(
            check_payment(&bytes, &other, &preview, &coins),
            Err(CheckError::WrongPayment)
        );
    }
    let mut other_fee = preview.clone();
    other_fee.fee += Amount::ONE_SAT;
    let mut other_change = preview.clone();
    other_change.change += Amount::ONE_SAT;
    for other in [other_fee, other_change] {
        assert_eq!(
            check_payment(&bytes, &order, &other, &coins),
            Err(CheckError::WrongChangeOrFee)
        );
    }
    let mut other_inputs = preview.clone();
    other_inputs.outpoints[0].vout += 1;
    assert_eq!(
        check_payment(&bytes, &order, &other_inputs, &coins),
        Err(CheckError::OtherInputs)
    );
    // A coin with the same amount at another script makes another sighash.
    let mut other_coin = coins.clone();
    other_coin[0].script_pubkey = owner.script(0, 5);
    assert!(matches!(
        check_payment(&bytes, &order, &preview, &other_coin),
        Err(CheckError::Signature(_))
    ));
    // Every bit of the witness' signature counts.
    let signature = bytes.len() - 4 - 64;
    for bit in 0..512 {
        let mut flipped = bytes.clone();
        flipped[signature + bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(
            check_payment(&flipped, &order, &preview, &coins),
            Err(CheckError::Signature(_))
        ));
    }
    assert_eq!(
        check_payment(&bytes[1..], &order, &preview, &coins),
        Err(CheckError::NotATransaction)
    );
    for (position, value, _form) in [(0, 1, "version"), (bytes.len() - 1, 1, "lock time")] {
        let mut other = bytes.clone();
        other[position] = value;
        assert!(matches!(
            check_payment(&other, &order, &preview, &coins),
            Err(CheckError::Form(_))
        ));
    }
}

/// Enters wrong PINs until no try is left.
fn block(mut session: Session<TestCard, Issued>) -> Session<TestCard, Issued> {
    for _ in 0..3 {
        let failed = session.verify(&pin(b"9999")).err().expect("a wrong PIN");
        session = failed.session;
    }
    assert_eq!(session.tries_left(), 0);
    session
}

#[test]
fn a_blocked_card_pays_with_its_new_pin() {
    let (owner, session, _) = with_coin(13);
    let authority = owner.authority();
    let mut card = block(session).as_owner(&authority);
    card.set_pin(&pin(b"271828")).expect("a new PIN");
    let session = card.leave();
    assert_eq!(session.tries_left(), 3);
    let (asked, session) = session.query_tries().expect("tries");
    assert_eq!(asked, 3);
    let failed = session.verify(&pin(PIN)).err().expect("the old PIN");
    assert_eq!(failed.error, CardError::WrongPin { tries_left: 2 });
    let session = failed.session.verify(&pin(b"271828")).expect("the new PIN");
    session.pay(&order(21_000)).expect("paid");
}

#[test]
fn a_card_is_unblocked_and_keeps_its_pin() {
    let (owner, session, _) = with_coin(14);
    let authority = owner.authority();
    let mut card = block(session).as_owner(&authority);
    card.unblock_pin().expect("unblocked");
    let session = card.leave();
    assert_eq!(session.tries_left(), 3);
    let session = session.verify(&pin(PIN)).expect("the PIN");
    session.pay(&order(21_000)).expect("paid");
}

#[test]
fn nobody_else_unblocks_a_card() {
    let (owner, session, _) = with_coin(15);
    let stranger = Authority(owner.leaf_key, owner.account.card_id());
    let mut card = block(session).as_owner(&stranger);
    let refused = card.set_pin(&pin(b"271828")).expect_err("a stranger");
    assert_eq!(refused.status(), Some(0x6982));
    assert_eq!(card.unblock_pin().unwrap_err().status(), Some(0x6982));
    let (tries, session) = card.leave().query_tries().expect("tries");
    assert_eq!((tries, session.tries_left()), (0, 0));
}

#[test]
fn limits_are_those_set_last() {
    let (owner, session, _) = with_coin(16);
    let authority = owner.authority();
    let mut card = session.as_owner(&authority);
    assert_eq!(card.read_limits(), Ok((LIMITS, PLAIN)));
    let others = card::Limits {
        payments: 3,
        least_coin: 2_000,
        ..LIMITS
    };
    card.set_limits(others).expect("set");
    assert_eq!(card.read_limits(), Ok((others, PLAIN)));
}

#[test]
fn the_new_owner_key_and_no_other_is_obeyed() {
    let (owner, session, _) = with_coin(17);
    let old = owner.authority();
    let new = Authority(owner.leaf_key, owner.account.card_id());
    let new_key = owner.leaf_key.x_only_public_key().0;
    let mut card = session.as_owner(&old);
    // Who hasn't the new key can't prove it.
    let refused = card.change_owner_key(&new_key, &old).unwrap_err();
    assert_eq!(refused.status(), Some(0x6982));
    assert_eq!(card.read_limits(), Ok((LIMITS, PLAIN)));
    card.change_owner_key(&new_key, &new).expect("changed");
    assert_eq!(card.read_limits().unwrap_err().status(), Some(0x6982));
    let mut card = card.leave().as_owner(&new);
    assert_eq!(card.read_limits(), Ok((LIMITS, PLAIN)));
    let issued = card.read_account(Network::Regtest, &new_key);
    assert_eq!(issued.expect("its account").account, owner.account);
}

#[test]
fn the_account_is_read_again_and_checked() {
    let (owner, session, _) = with_coin(18);
    let authority = owner.authority();
    let owner_key = owner.owner_key.x_only_public_key().0;
    let mut card = session.as_owner(&authority);
    let issued = card.read_account(Network::Regtest, &owner_key).unwrap();
    assert_eq!(issued.account, owner.account);
    assert_eq!(issued.provenance, Provenance::Made);
    let again = card.read_account(Network::Regtest, &owner_key).unwrap();
    assert_eq!(again, issued, "the same identity key");
    let other_network = card.read_account(Network::Signet, &owner_key);
    let other_owner = card.read_account(Network::Regtest, &owner.leaf_key.x_only_public_key().0);
    for read in [other_network, other_owner] {
        assert!(matches!(read, Err(CardError::IssueRecord(_))), "{read:?}");
    }
}

#[test]
fn an_account_that_isn_t_true_is_found_out() {
    // As ISSUE answers, then `86 01 network ‖ 87 01 provenance ‖ 88 20 owner key ‖ 89 23 leaf`.
    for (byte, part) in [
        (37 + 5, "chain code"),
        (71 + 5, "identity key"),
        (106 + 5, "agreement key"),
        (141 + 5, "salt"),
        (159 + 5, "signature"),
        (225, "network"),
        (228, "provenance"),
        (231 + 5, "owner key"),
    ] {
        let instruction = 0x50;
        let liar = Between::new(blank_card(21), Liar { instruction, byte });
        let (owner, session) = issue(liar);
        let authority = owner.authority();
        let mut card = session.as_owner(&authority);
        let owner_key = owner.owner_key.x_only_public_key().0;
        let error = card.read_account(Network::Regtest, &owner_key).unwrap_err();
        assert!(
            matches!(error, CardError::IssueRecord(_)),
            "{part}: {error}"
        );
    }
}
