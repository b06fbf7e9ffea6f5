//! What the owner does with a card at home.

use bdk_wallet::miniscript::psbt::PsbtExt;
use bdk_wallet::miniscript::{Descriptor, DescriptorPublicKey};
use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, Psbt, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn, TxOut, Witness,
};
use tillcard::chain::{Chain, OutputState};
use tillcard::owner::{
    History, Limits, OwnerError, PaymentStatus, PsbtFile, plan_cancel, plan_consolidation,
    plan_psbt, statuses,
};
use tillcard_client::account::{CardAccount, CardChain};
use tillcard_client::card;

use super::trouble::pay_and_keep;
use super::{LIMITS, MERCHANT, PIN, Scene};
use crate::chain_support::Payer;
use crate::owner_support::{RATE, Regtest};

fn history(scene: &Scene<'_>) -> (History, Vec<PaymentStatus>) {
    let history = scene.as_owner(History::read).expect("a log");
    let chain = scene.regtest.chain();
    let statuses = statuses(&history.payments, chain, 0, &mut |_, _| ()).expect("a chain");
    (history, statuses)
}

fn account(scene: &Scene<'_>) -> CardAccount {
    scene
        .someone
        .owner
        .card(scene.number)
        .expect("a card")
        .account
}

/// The log tells facts and claims, and what became of each payment; new limits come after its
/// reading, and not before.
pub(crate) fn the_log_is_read_and_limits_are_renewed(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 90_000);
    let paid = scene.pay(&[PIN]).settled().compute_txid();
    let kept = pay_and_keep(&scene, 10_000).compute_txid();
    let (read, statuses) = history(&scene);
    let [first, second] = &read.payments[..] else {
        panic!("{:?}", read.payments);
    };
    assert_eq!((first.txid, first.merchant.as_given()), (paid, MERCHANT));
    assert_eq!((second.txid, second.merchant.as_given()), (kept, ""));
    assert_eq!(first.payee, Scene::shop().script_pubkey());
    assert_eq!(first.amount, Amount::from_sat(21_000));
    assert!(first.with_pin && !first.cancelled);
    assert_eq!(
        statuses,
        [
            PaymentStatus::Confirmed { confirmations: 2 },
            PaymentStatus::NotSent
        ]
    );
    assert_eq!(read.settled(&statuses, 2), 1);
    assert_eq!(read.settled(&statuses, 3), 0);

    let limits = card::Limits::from(&Limits {
        payments: 1,
        ..LIMITS
    });
    scene.as_owner(|card| {
        let early = card.set_limits(limits).expect_err("a payment is new");
        assert_eq!(early.status(), Some(0x6985));
        card.acknowledge(2, 1).expect("acknowledged");
        card.set_limits(limits).expect("set");
    });
    let (read, _) = history(&scene);
    assert_eq!(read.payments.len(), 1, "the settled one is forgotten");
    assert_eq!(read.contents.header.first_unacknowledged, 2);
    assert_eq!(
        (read.contents.header.debited, read.contents.header.payments),
        (0, 0)
    );
    scene.pay(&[PIN]).settled();
    let told = scene.pay(&[PIN]);
    let reason = told.declined().to_string();
    assert!(reason.contains("as many payments"), "{reason}");
}

/// The confirmed coins of the card, as the chain knows them.
fn coins(scene: &Scene<'_>) -> Vec<tillcard::owner::CardCoin> {
    let owner = &scene.someone.owner;
    let view = owner.card_coins(scene.regtest.chain(), scene.number, &mut |_, _| ());
    let mut coins = view.expect("a view").coins;
    coins.sort_by_key(|coin| coin.outpoint);
    coins
}

/// A PSBT that another wallet with the card's descriptor makes of all its coins: something to
/// somebody, the rest to the card's change chain.
fn build_psbt(scene: &Scene<'_>, with_origins: bool) -> Psbt {
    let coins = coins(scene);
    let total: Amount = coins.iter().map(|coin| coin.output.value).sum();
    let transaction = Transaction {
        version: Version::TWO,
        lock_time: LockTime::from_consensus(101),
        input: coins
            .iter()
            .map(|coin| TxIn {
                previous_output: coin.outpoint,
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ENABLE_LOCKTIME_NO_RBF,
                witness: Witness::new(),
            })
            .collect(),
        output: vec![
            TxOut {
                value: Amount::from_sat(15_000),
                script_pubkey: Payer::new(0x71).script(),
            },
            TxOut {
                value: total - Amount::from_sat(15_000 + 1_000),
                script_pubkey: account(scene)
                    .script(CardChain::Change, 0)
                    .expect("a script"),
            },
        ],
    };
    let mut psbt = Psbt::from_unsigned_tx(transaction).expect("unsigned");
    let descriptor: Descriptor<DescriptorPublicKey> =
        account(scene).descriptor().parse().expect("a descriptor");
    let chains = descriptor.into_single_descriptors().expect("two chains");
    for (number, coin) in coins.iter().enumerate() {
        psbt.inputs[number].witness_utxo = Some(coin.output.clone());
        if with_origins {
            let definite = chains[coin.chain as usize].at_derivation_index(coin.index);
            psbt.update_input_with_descriptor(number, &definite.expect("an index"))
                .expect("its own coin");
            assert!(!psbt.inputs[number].tap_key_origins.is_empty());
        }
    }
    psbt
}

/// A PSBT of another wallet, with key origins and without, is signed, and the network takes it.
/// The card takes the coins for spent, and its change once it is entered.
pub(crate) fn a_transaction_of_another_wallet_is_signed(regtest: &dyn Regtest) {
    for with_origins in [true, false] {
        let mut scene = Scene::with_coin(regtest, 40_000);
        scene.top_up(50_000);
        let psbt = build_psbt(&scene, with_origins);
        let header = scene.as_owner(|card| card.read_coins().expect("coins").header);
        let order = plan_psbt(&psbt, &account(&scene), &header).expect("all its own");
        assert_eq!(order.fee(), Some(Amount::from_sat(1_000)));
        assert_eq!(order.to_others(), Amount::from_sat(15_000));
        let signatures = scene.as_owner(|card| card.sign(&order)).expect("signed");
        let mut file = PsbtFile::parse(&psbt.serialize()).expect("a PSBT");
        file.put_signatures(&signatures);
        let reread = Psbt::deserialize(&file.to_bytes()).expect("a PSBT, binary as it came");
        let signed = order.signed(&signatures);
        for (input, made) in reread.inputs.iter().zip(&signed.input) {
            let signature = input.tap_key_sig.expect("signed");
            assert_eq!(made.witness, Witness::p2tr_key_spend(&signature));
        }
        regtest.chain().broadcast(&signed).expect("taken");
        regtest.confirm();
        let contents = scene.as_owner(|card| card.read_coins().expect("coins"));
        assert!(contents.coins.is_empty());
        assert_eq!(contents.header.next_change, 1, "its change place is taken");
        let entered = scene.as_owner(|card| card.enter_coin(&signed, 1, CardChain::Change, 0));
        assert_eq!(entered, Ok(Amount::from_sat(74_000)));
        scene.pay(&[PIN]).settled();
    }
}

/// Inputs of others, other hash types, fees beyond the limits, more out than in.
pub(crate) fn what_a_card_does_not_sign(regtest: &dyn Regtest) {
    let scene = Scene::with_coin(regtest, 40_000);
    let header = scene.as_owner(|card| card.read_coins().expect("coins").header);
    let account = account(&scene);
    let plan = |psbt: &Psbt| plan_psbt(psbt, &account, &header);
    let good = build_psbt(&scene, true);
    plan(&good).expect("all its own");

    let mut foreign = good.clone();
    let other = TxOut {
        value: Amount::from_sat(40_000),
        script_pubkey: Payer::new(0x72).script(),
    };
    foreign.inputs[0].witness_utxo = Some(other);
    let mut other_type = good.clone();
    other_type.inputs[0].sighash_type = Some(TapSighashType::All.into());
    let mut unknown = good.clone();
    unknown.inputs[0].witness_utxo = None;
    let mut greedy = good.clone();
    greedy.unsigned_tx.output[0].value = Amount::from_sat(40_000);
    for (psbt, word) in [
        (foreign, "isn't the card's"),
        (other_type, "SIGHASH_DEFAULT"),
        (unknown, "UTXO is missing"),
        (greedy, "more than it takes in"),
    ] {
        let error = plan(&psbt).expect_err(word).to_string();
        assert!(error.contains(word), "{error}");
    }

    let mut dear = plan(&good).expect("all its own");
    dear.transaction.output[1].value -= Amount::from_sat(10_000);
    let refused = scene.as_owner(|card| card.sign(&dear)).expect_err("dear");
    assert_eq!(refused.status(), Some(0x9406));
    // A coin of the card with another amount.
    let mut lied = plan(&good).expect("all its own");
    lied.coins[0].0.value += Amount::from_sat(1);
    lied.transaction.output[1].value += Amount::from_sat(1);
    let refused = scene.as_owner(|card| card.sign(&lied)).expect_err("a lie");
    assert_eq!(refused.status(), Some(0x6A80));
    let contents = scene.as_owner(|card| card.read_coins().expect("coins"));
    assert_eq!(contents.coins.len(), 1, "nothing was signed");
}

/// A payment that waits in the mempool, and one that the shop kept: both are cancelled, confirmed
/// so, and the limits have them back. One in a block can't be.
pub(crate) fn a_payment_is_cancelled(regtest: &dyn Regtest) {
    for sent in [true, false] {
        let mut scene = Scene::with_coin(regtest, 60_000);
        let payment = pay_and_keep(&scene, 20_000);
        if sent {
            regtest.chain().broadcast(&payment).expect("sent");
        }
        let (read, before) = history(&scene);
        let expected = if sent {
            PaymentStatus::InMempool
        } else {
            PaymentStatus::NotSent
        };
        assert_eq!(before, [expected]);
        let home = scene.someone.owner.next_script().expect("a script");
        let account = account(&scene);
        let plan = |read: &History, number: usize, status| {
            plan_cancel(
                &account,
                &read.contents,
                &read.payments[number],
                status,
                regtest.chain(),
                home.clone(),
                RATE,
            )
        };
        let order = plan(&read, 0, before[0]).expect("a plan");
        assert!(order.fee().expect("a fee") > read.payments[0].fee);
        let signatures = scene.as_owner(|card| card.sign(&order)).expect("signed");
        let conflict = order.signed(&signatures);
        let unconfirmed = scene.as_owner(|card| card.read_log(0)).expect("kept");
        assert!(!unconfirmed.cancelled, "it still stands");
        scene
            .someone
            .owner
            .send_signed(regtest.chain(), &conflict)
            .expect("taken");
        let by = conflict.compute_txid();
        assert_eq!(history(&scene).1, [PaymentStatus::Contested { by }]);
        regtest.confirm();
        let (read, statuses) = history(&scene);
        let confirmations = 1;
        assert_eq!(statuses, [PaymentStatus::Conflicted { by, confirmations }]);
        assert!(read.contents.header.debited > 20_000);
        scene.as_owner(|card| card.resolve(0)).expect("resolved");
        let (read, statuses) = history(&scene);
        assert!(read.payments[0].cancelled);
        assert_eq!(read.contents.header.debited, 0);
        assert_eq!(read.settled(&statuses, 1), 1, "nothing is to be waited for");
        assert!(matches!(
            plan(&read, 0, statuses[0]),
            Err(OwnerError::NotCancelled { .. })
        ));
        // The next payment is as any other, and can't be taken back once it is in a block.
        scene.top_up(50_000);
        scene.pay(&[PIN]).settled();
        let (read, statuses) = history(&scene);
        let refused = plan(&read, 1, statuses[1]);
        let refused = refused.expect_err("in a block").to_string();
        assert!(refused.contains("in a block"), "{refused}");
    }
}

/// The owner cancels the card's first payment, which nobody has sent, and tells the card.
pub(super) fn cancel_first_payment(scene: &mut Scene<'_>) {
    let (read, statuses) = history(scene);
    let home = scene.someone.owner.next_script().expect("a script");
    let chain = scene.regtest.chain();
    let order = plan_cancel(
        &account(scene),
        &read.contents,
        &read.payments[0],
        statuses[0],
        chain,
        home,
        RATE,
    );
    let order = order.expect("a plan");
    let signatures = scene.as_owner(|card| card.sign(&order)).expect("signed");
    let conflict = order.signed(&signatures);
    let sent = scene.someone.owner.send_signed(chain, &conflict);
    sent.expect("taken");
    scene.regtest.confirm();
    scene.as_owner(|card| card.resolve(0)).expect("resolved");
}

/// Five coins become one, entered as top-ups are; coins that a payment spends are left alone.
pub(crate) fn many_coins_become_one(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 90_000);
    for amount in [11_000, 12_000, 13_000, 14_000] {
        scene.top_up(amount);
    }
    // The largest is spent by a payment that nobody has sent.
    let kept = pay_and_keep(&scene, 20_000);
    let record = scene.someone.owner.card(scene.number).expect("a card");
    let owner = &scene.someone.owner;
    let view = owner
        .card_coins(regtest.chain(), scene.number, &mut |_, _| ())
        .expect("a view");
    let contents = scene.as_owner(|card| card.read_coins()).expect("coins");
    let plan = |most, cap| {
        let index = record.next_receive_index;
        let cap = Amount::from_sat(cap);
        plan_consolidation(&record.account, &view, &contents, index, RATE, most, cap)
    };
    assert_eq!(plan(3, 10_000).expect("a plan").coins.len(), 3);
    assert_eq!(
        plan(128, 400).expect("a plan").coins.len(),
        2,
        "by the fee cap"
    );
    assert!(matches!(
        plan(128, 300),
        Err(OwnerError::NothingToConsolidate(_))
    ));
    let order = plan(128, 10_000).expect("a plan");
    assert_eq!(order.coins.len(), 4);
    let spent = kept.input[0].previous_output;
    let inputs = order.transaction.input.iter();
    assert!(!inputs.clone().any(|input| input.previous_output == spent));
    let vsize = (42 + 4 * 230 + 172_u64).div_ceil(4);
    assert_eq!(order.fee(), Some(RATE.fee(vsize)));

    let signatures = scene.as_owner(|card| card.sign(&order)).expect("signed");
    let one = order.signed(&signatures);
    let index = record.next_receive_index;
    let owner = &mut scene.someone.owner;
    owner
        .note_own_payment(scene.number, one.clone(), index)
        .expect("noted");
    owner.send_signed(regtest.chain(), &one).expect("taken");
    regtest.confirm();
    let pending = owner.card(scene.number).expect("a card");
    let pending = pending.pending_top_ups().next().expect("to be entered");
    assert_eq!(pending.outpoint(), OutPoint::new(one.compute_txid(), 0));
    assert!(matches!(
        regtest.chain().output(&pending.outpoint()),
        Ok(OutputState::Unspent { .. })
    ));
    let entered = scene.as_owner(|card| {
        card.enter_coin(&pending.transaction, 0, CardChain::Receive, pending.index)
    });
    assert_eq!(entered, Ok(one.output[0].value));
    let told = scene.pay(&[PIN]);
    assert_eq!(told.settled().input.len(), 1);
}
