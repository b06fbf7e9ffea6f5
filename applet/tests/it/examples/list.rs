//! The examples.

use super::card::fresh;
use super::exact::{account, check_exactly, signature_with};
use super::session::{Example, Session};
use bitcoin::bip32::Xpub;
use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash;
use bitcoin::key::Keypair;
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey};
use bitcoin::{Address, Network, ScriptBuf};
use std::cell::Cell;
use std::rc::Rc;
use tillcard_testkit::card::{SELECT, apdu, objects};
use tillcard_testkit::channel::{Client, open_apdu};
use tillcard_testkit::oracle::model::image::read_image;
use tillcard_testkit::oracle::model::{Model, announcement};
use tillcard_testkit::oracle::owner::{Unsigned, funding};
use tillcard_testkit::oracle::payment::Request;
use tillcard_testkit::oracle::random::Random;
use tillcard_testkit::oracle::wallet::{CardKeys, Leaf, Limits, Wallet, tagged_hash};

const LIMITS: Limits = Limits {
    per_payment: 100_000,
    cumulative: 300_000,
    payments: 20,
    fee_cap: 5_000,
    least_fee_rate: 1_000,
    highest_fee_rate: 50_000,
    least_coin: 1_000,
    without_pin_amount: 0,
    without_pin_payments: 0,
};

fn issue_data(key: &[u8], leaf: &[u8; 35]) -> Vec<u8> {
    let secp = Secp256k1::new();
    let owner = secret(0x11).x_only_public_key(&secp).0;
    objects(&[
        (0x80, &[3]),
        (0x81, key),
        (0x82, &owner.serialize()),
        (0x83, leaf),
        (0x84, &[0x26, 0x27, 0x18, 0x28, 0xFF, 0xFF, 0xFF, 0xFF]),
        (0x85, &LIMITS.to_bytes()),
        (0x86, &[3]),
    ])
}

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

/// CHANGE OWNER KEY's body for this challenge.
fn change_key_body(wallet: &Wallet, new: &Keypair, challenge: &[u8]) -> Vec<u8> {
    let new_key = new.x_only_public_key().0.serialize();
    let id = wallet.card_id();
    let message = tagged_hash(
        "Tillcard/owner-key",
        &[&[3], &id, &[0], challenge, &new_key],
    );
    let proof = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(message), new);
    objects(&[(0x80, &new_key), (0x81, &proof.serialize())])
}

/// All examples, one after another, on the cards that they are told of.
pub(super) fn examples() -> Vec<Example> {
    let secp = Secp256k1::new();
    let drawn = Rc::new(Cell::new(0));
    let card = fresh(drawn.clone());
    let mut session = Session {
        card,
        drawn,
        examples: Vec::new(),
    };

    session.begin("A card in the factory state");
    session.exchange(SELECT);
    session.exchange(&apdu([0x00, 0xCA, 0x01, 0x00], &[], true));
    session.exchange(&apdu([0x00, 0xCA, 0x01, 0x01], &[], true));

    session.begin("Issuing with a made key");
    let primary = secret(0x22).x_only_public_key(&secp).0.serialize();
    let mut leaf = [0; 35];
    leaf[0] = 1;
    leaf[3..].copy_from_slice(&primary);
    let answer = session.exchange(&apdu([0x00, 0x46, 0, 0], &[], true));
    // The first number that this card draws is its share.
    let share = secret(1);
    assert_eq!(answer[5..], share.public_key(&secp).serialize());
    let data = issue_data(&[0x33; 32], &leaf);
    let answer = session.exchange(&apdu([0x80, 0x10, 0, 0], &data, true));
    let made = share.add_tweak(&secret(0x33).into()).unwrap();
    assert_eq!(answer[2..35], made.public_key(&secp).serialize());

    session.begin("Issuing with an imported key");
    session.fresh();
    session.exchange(SELECT);
    let account = account();
    let key = [&account.private_key[..], account.chain_code.as_bytes()].concat();
    let data = issue_data(&key, &[0; 35]);
    let answer = session.exchange(&apdu([0x80, 0x10, 1, 0], &data, true));
    assert_eq!(
        answer[2..35],
        account.private_key.public_key(&secp).serialize()
    );
    let public = Xpub::from_priv(&secp, &account);
    let owner = Keypair::from_secret_key(&secp, &secret(0x11));
    let nobody = owner.x_only_public_key().0;
    let card_keys = CardKeys {
        identity: answer[71..104].to_vec(),
        agreement: answer[106..139].to_vec(),
    };
    let imported = Some(account.private_key);
    let wallet =
        Wallet::known(owner, 3, public, Leaf::None, &nobody, imported).with_card_keys(card_keys);

    session.begin("The PIN, and where to send coins");
    session.exchange(&[0x00, 0x20, 0x00, 0x80]);
    let wrong = [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    session.exchange(&apdu([0x00, 0x20, 0x00, 0x80], &wrong, false));
    let verify = apdu([0x00, 0x20, 0x00, 0x80], &wallet.pin, false);
    session.exchange(&verify);
    let answer = session.exchange(&apdu([0x80, 0x20, 0, 0], &[], true));
    let script = ScriptBuf::from(answer[8..].to_vec());
    let address = Address::from_script(&script, Network::Bitcoin)
        .unwrap()
        .to_string();
    // BIP86's own.
    assert_eq!(
        address,
        "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
    );
    let model = &mut Model::new(&wallet, LIMITS);
    model.policy = 3;
    model.verify(&wallet.pin);
    assert_eq!(model.receive_script(), Ok(answer));

    session.begin("A coin enters");
    let (transaction, outpoint) = funding(&mut Random::new(1), &script, 100_000);
    session.owner(
        &wallet,
        [0x80, 0x22, 0, 0],
        &announcement(&outpoint, (0, 0)),
    );
    session.exchange(&apdu([0x80, 0x22, 1, 0], &serialize(&transaction), true));
    let output = (100_000, &script);
    assert_eq!(
        model.complete_entry(outpoint, (0, 0), false, output),
        0x9000
    );

    session.begin("A payment");
    session.exchange(&verify);
    model.verify(&wallet.pin);
    let request = Request {
        amount: 25_000,
        rate: 2_000,
        payee: ScriptBuf::from([&[0x00, 0x14][..], &[0x44; 20]].concat()),
        unrooted: false,
        identity: [0x55; 16],
        merchant: b"Dairy".to_vec(),
        invoice: Vec::new(),
    };
    let answer = session.exchange(&apdu([0x80, 0x32, 0, 0], &request.data(), true));
    assert_eq!(model.preview(&request), Ok(answer));
    let paid = session.exchange(&apdu([0x80, 0x30, 0, 0], &request.data(), true));
    let written = model.pay(&request).unwrap();
    check_exactly(&written, &paid, &[(0, 0)], session.drawn.get());

    session.begin("The same payment again");
    session.reset();
    session.exchange(SELECT);
    let again = session.exchange(&apdu([0x80, 0x30, 0, 0], &request.data(), true));
    assert_eq!(model.pay(&request).unwrap(), written);
    check_exactly(&written, &again, &[(0, 0)], session.drawn.get());

    session.begin("A channel");
    let ephemeral = p256::SecretKey::from_slice(&[0x44; 32]).unwrap();
    let opened = session.exchange(&open_apdu(&ephemeral));
    let agreement_key = wallet.card_keys.agreement.clone();
    let mut client = Client::agreed(&ephemeral, &agreement_key, &opened).expect("the receipt");
    let client = &mut client;
    session.protected(client, [0x00, 0x20, 0x00, 0x80], &[]);
    let challenge = [0x77; 32];
    let proof = session.protected(client, [0x00, 0x88, 0, 0], &challenge);
    let salt = &proof[2..18];
    let digest = tagged_hash(
        "Tillcard/genuine",
        &[&[0, 4], &client.session(), &challenge, salt],
    );
    assert!(wallet.is_signed_by_identity(&digest, &proof[20..]));
    session.protected(client, [0x80, 0x30, 0, 1], &request.data());

    session.begin("A payment in the channel, and a statement");
    session.protected(client, [0x00, 0x20, 0x00, 0x80], &wallet.pin);
    model.verify(&wallet.pin);
    let second = Request {
        identity: [0x56; 16],
        amount: 10_000,
        ..request.clone()
    };
    let paid = session.protected(client, [0x80, 0x30, 0, 0], &second.data());
    let written = model.pay(&second).unwrap();
    check_exactly(&written, &paid, &[(1, 0)], session.drawn.get());
    let txid = written.transaction.compute_txid();
    let spent = model.statement(&txid).unwrap();
    let nonce = [0x88; 32];
    let ask = objects(&[(0x80, &nonce), (0x81, &txid.to_byte_array())]);
    let statement = session.protected(client, [0x80, 0x54, 0, 0], &ask);
    wallet.check_statement(&client.session(), &nonce, &txid, &spent, &statement);

    session.begin("What ends a channel");
    let number = objects(&[(0x80, &1u32.to_be_bytes())]);
    let answer = session.protected_owner(client, &wallet, [0x80, 0x42, 0, 0], &number);
    assert_eq!(model.read_log(1), Ok(answer));
    session.exchange(&[0x00, 0x84, 0x00, 0x00, 0x10]);
    session.exchange(&client.protect([0x00, 0x84, 0, 0], &[]));

    session.begin("What the owner reads");
    let number = objects(&[(0x80, &0u32.to_be_bytes())]);
    let answer = session.owner(&wallet, [0x80, 0x42, 0, 0], &number);
    assert_eq!(model.read_log(0), Ok(answer));
    let image = session.owner(&wallet, [0x80, 0x48, 0, 0], &[]);
    assert_eq!(read_image(&image), Some(model.image()));
    session.exchange(&apdu([0x80, 0x48, 1, 0], &[], true));

    session.begin("The owner has a transaction signed");
    let change = model
        .coins
        .iter()
        .find(|coin| coin.spent.is_none())
        .unwrap();
    let unsigned = Unsigned {
        version: 2,
        lock_time: 0,
        inputs: vec![(change.outpoint, 0xFFFF_FFFD, change.amount, change.place)],
        outputs: vec![
            (
                50_000,
                Err(ScriptBuf::from([&[0x00, 0x14][..], &[0x66; 20]].concat())),
            ),
            (change.amount - 50_300, Ok((1, 2))),
        ],
    };
    let stream = unsigned.stream();
    session.owner(&wallet, [0x80, 0x40, 0, 0], &unsigned.body(&stream));
    let answer = session.exchange(&apdu([0x80, 0x40, 1, 0], &stream, true));
    assert_eq!(answer, unsigned.summary());
    let signature = session.exchange(&apdu([0x80, 0x40, 2, 0], &[], true));
    let expected = signature_with(&unsigned.written(&wallet), 0, (1, 1), session.drawn.get());
    assert_eq!(signature, expected);

    session.begin("What the owner mends");
    session.owner(&wallet, [0x80, 0x4E, 0, 0], &[]);
    let block = [0x24, 0x31, 0x41, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    session.owner(&wallet, [0x00, 0x2C, 2, 0x80], &objects(&[(0x84, &block)]));
    let new = Keypair::from_secret_key(&secp, &secret(0x77));
    let challenge = session.exchange(&[0x00, 0x84, 0x00, 0x00, 0x10]);
    let body = change_key_body(&wallet, &new, &challenge);
    session.exchange(&wallet.signed(&[0], &challenge, [0x80, 0x4C, 0, 0], &body));
    let wallet = Wallet::known(new, 3, public, Leaf::None, &nobody, None);
    let mut answer = session.owner(&wallet, [0x80, 0x50, 0, 0], &[]);
    answer.extend(session.exchange(&[0x00, 0xC0, 0x00, 0x00, 0x2C]));
    let new_key = objects(&[(0x88, &new.x_only_public_key().0.serialize())]);
    assert!(
        answer
            .windows(new_key.len())
            .any(|object| object == new_key)
    );

    session.begin("The owner gives the card away");
    session.owner(&wallet, [0x80, 0x56, 0, 0], &[]);
    session.exchange(&apdu([0x00, 0xCA, 0x01, 0x00], &[], true));

    session.begin("What the manufacturer does");
    session.fresh();
    session.exchange(SELECT);
    session.exchange(&apdu([0x00, 0x46, 0, 1], &[], true));
    for (p2, der) in [
        (0x00, [0x30, 0x01, 0x0B]),
        (0x10, [0x30, 0x01, 0x1D]),
        (0x20, [0x30, 0x01, 0x2A]),
    ] {
        session.exchange(&apdu([0x00, 0xDA, 0x02, p2], &der, false));
    }
    session.exchange(&[0x00, 0xDA, 0x02, 0xFF]);
    let reference = [0xA6, 0x04, 0x83, 0x02, 0x13, 0x01];
    session.exchange(&apdu([0x00, 0xCA, 0xBF, 0x21], &reference, true));

    session.examples
}
