//! Vectors of BIP32 and BIP86 against the card from outside, through imported
//! account keys. (Those of BIP340 and BIP341 stand beside the card's own code.)

use bitcoin::bip32::{DerivationPath, Xpriv, Xpub};
use bitcoin::key::Keypair;
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use bitcoin::{Address, Network};
use tillcard_testkit::card::{SELECT, TestCard, apdu, fresh, objects, send};
use tillcard_testkit::oracle::model::Model;
use tillcard_testkit::oracle::owner::enter;
use tillcard_testkit::oracle::payment::request;
use tillcard_testkit::oracle::random::Random;
use tillcard_testkit::oracle::wallet::{Leaf, Limits, Wallet};

/// A card with the account key of this node, without a leaf, and its wallet.
fn imported(node: &Xpriv) -> (TestCard, Wallet) {
    let secp = Secp256k1::new();
    let mut card = fresh(0);
    assert_eq!(send(&mut card, SELECT).1, 0x9000);
    let owner = Keypair::from_secret_key(&secp, &SecretKey::from_slice(&[7; 32]).unwrap());
    let owner_key = owner.x_only_public_key().0;
    let key = [&node.private_key[..], node.chain_code.as_bytes()].concat();
    let public = Xpub::from_priv(&secp, node);
    let wallet = Wallet::known(owner, 0, public, Leaf::None, &owner_key, None);
    let data = objects(&[
        (0x80, &[0]),
        (0x81, &key),
        (0x82, &owner_key.serialize()),
        (0x83, &[0; 35]),
        (0x84, &wallet.pin),
        (0x85, &Limits::WIDE.to_bytes()),
        (0x86, &[1]),
    ]);
    let (answer, status) = send(&mut card, &apdu([0x80, 0x10, 1, 0], &data, true));
    assert_eq!(status, 0x9000);
    assert_eq!(answer[2..35], public.public_key.serialize());
    assert_eq!(answer[37..69], public.chain_code[..]);
    (card, wallet)
}

fn verify(card: &mut TestCard, wallet: &Wallet) {
    let verify = apdu([0x00, 0x20, 0x00, 0x80], &wallet.pin, false);
    assert_eq!(send(card, &verify).1, 0x9000);
}

fn receive_script(card: &mut TestCard) -> Vec<u8> {
    let (answer, status) = send(card, &apdu([0x80, 0x20, 0, 0], &[], true));
    assert_eq!(status, 0x9000);
    answer[8..].to_vec()
}

/// BIP32's vectors 3 and 4: keys that begin with zeros.
const LEADING_ZEROS: [(&str, &str); 5] = [
    (
        "xprv9s21ZrQH143K25QhxbucbDDuQ4naNntJRi4KUfWT7xo4EKsHt2QJDu7KXp1A3u7Bi1j8ph3EGsZ9Xvz9dGuVrtHHs7pXeTzjuxBrCmmhgC6",
        "xpub661MyMwAqRbcEZVB4dScxMAdx6d4nFc9nvyvH3v4gJL378CSRZiYmhRoP7mBy6gSPSCYk6SzXPTf3ND1cZAceL7SfJ1Z3GC8vBgp2epUt13",
    ),
    (
        "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L",
        "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y",
    ),
    (
        "xprv9s21ZrQH143K48vGoLGRPxgo2JNkJ3J3fqkirQC2zVdk5Dgd5w14S7fRDyHH4dWNHUgkvsvNDCkvAwcSHNAQwhwgNMgZhLtQC63zxwhQmRv",
        "xpub661MyMwAqRbcGczjuMoRm6dXaLDEhW1u34gKenbeYqAix21mdUKJyuyu5F1rzYGVxyL6tmgBUAEPrEz92mBXjByMRiJdba9wpnN37RLLAXa",
    ),
    (
        "xprv9vB7xEWwNp9kh1wQRfCCQMnZUEG21LpbR9NPCNN1dwhiZkjjeGRnaALmPXCX7SgjFTiCTT6bXes17boXtjq3xLpcDjzEuGLQBM5ohqkao9G",
        "xpub69AUMk3qDBi3uW1sXgjCmVjJ2G6WQoYSnNHyzkmdCHEhSZ4tBok37xfFEqHd2AddP56Tqp4o56AePAgCjYdvpW2PU2jbUPFKsav5ut6Ch1m",
    ),
    (
        "xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxspZdFHfnBEjHqU5hG1Jaj32dVoS6XLT1",
        "xpub6BJA1jSqiukeaesWfxe6sNK9CCGaujFFSJLomWHprUL9DePQ4JDkM5d88n49sMGJxrhpjazuXYWdMf17C9T5XnxkopaeS7jGk1GyyVziaMt",
    ),
];

#[test]
fn bip32_keys_with_leading_zeros() {
    for (private, public) in LEADING_ZEROS {
        let node: Xpriv = private.parse().unwrap();
        let (mut card, wallet) = imported(&node);
        assert_eq!(wallet.account().to_string(), public);
        verify(&mut card, &wallet);
        assert_eq!(receive_script(&mut card), wallet.script((0, 0)).to_bytes());
    }
}

/// BIP86's vector: the words "abandon abandon … about".
#[test]
fn bip86_addresses() {
    let secp = Secp256k1::new();
    let root: Xpriv = "xprv9s21ZrQH143K3GJpoapnV8SFfukcVBSfeCficPSGfubmSFDxo1kuHnLisriDvSnRRuL2Qrg5ggqHKNVpxR86QEC8w35uxmGoggxtQTPvfUu"
        .parse()
        .unwrap();
    let path: DerivationPath = "86h/0h/0h".parse().unwrap();
    let account = root.derive_priv(&secp, &path).unwrap();
    assert_eq!(
        account.to_string(),
        "xprv9xgqHN7yz9MwCkxsBPN5qetuNdQSUttZNKw1dcYTV4mkaAFiBVGQziHs3NRSWMkCzvgjEe3n9xV8oYywvM8at9yRqyaZVz6TYYhX98VjsUk"
    );
    let (mut card, wallet) = imported(&account);
    let address = |script: Vec<u8>| {
        let script = bitcoin::ScriptBuf::from(script);
        Address::from_script(&script, Network::Bitcoin)
            .unwrap()
            .to_string()
    };
    verify(&mut card, &wallet);
    assert_eq!(
        address(receive_script(&mut card)),
        "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
    );
    let mut random = Random::new(0);
    let model = &mut Model::new(&wallet, Limits::WIDE);
    enter(&mut card, model, &mut random, (0, 0), 100_000);
    assert_eq!(
        address(receive_script(&mut card)),
        "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"
    );
    // The first change address, in a payment.
    let request = request(&mut random, 10_000, 1_000);
    let pay = apdu([0x80, 0x30, 0, 0], &request.data(), true);
    let (paid, status) = send(&mut card, &pay);
    assert_eq!(status, 0x9000);
    let paid: bitcoin::Transaction = bitcoin::consensus::deserialize(&paid).unwrap();
    let change = paid
        .output
        .iter()
        .find(|output| output.script_pubkey != request.payee)
        .unwrap();
    assert_eq!(
        address(change.script_pubkey.to_bytes()),
        "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"
    );
}
