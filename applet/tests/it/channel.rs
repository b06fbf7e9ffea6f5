//! The channel, attacked: what isn't the client's next command closes it, and with it
//! ends all that it was good for.

use p256::SecretKey;
use tillcard_testkit::card::{Reader, SELECT, TestCard, apdu, fresh, objects, send};
use tillcard_testkit::channel::{Client, open_apdu, open_data};
use tillcard_testkit::oracle::model::Model;
use tillcard_testkit::oracle::owner::enter;
use tillcard_testkit::oracle::payment;
use tillcard_testkit::oracle::random::Random;
use tillcard_testkit::oracle::wallet::{Leaf, Limits, Profile, Wallet, tagged_hash};

const VERIFY: [u8; 4] = [0x00, 0x20, 0x00, 0x80];
const CHALLENGE: [u8; 4] = [0x00, 0x84, 0x00, 0x00];
const RECEIVE_SCRIPT: [u8; 4] = [0x80, 0x20, 0x00, 0x00];
const STATUS: [u8; 4] = [0x00, 0xCA, 0x01, 0x00];

/// An issued card with a coin, whose policy allows statements and no plain sessions,
/// and a client with an open channel.
struct Shop {
    card: TestCard,
    wallet: Wallet,
    client: Client,
}

fn ephemeral(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn issued(seed: u64) -> (TestCard, Wallet) {
    let mut card = fresh(seed);
    let random = &mut Random::new(seed);
    let profile = Profile {
        network: 3,
        imported: false,
        leaf: Leaf::Delayed(144),
        limits: Limits::WIDE,
        policy: 2,
    };
    let wallet = Wallet::issue(&mut card, random, &profile);
    let model = &mut Model::new(&wallet, profile.limits);
    for index in 0..2 {
        enter(&mut card, model, random, (0, index), 100_000);
    }
    (card, wallet)
}

impl Shop {
    fn new(seed: u64) -> Self {
        let (mut card, wallet) = issued(seed);
        let client = Client::open(&mut card, &ephemeral(1), &wallet.card_keys.agreement);
        Self {
            card,
            wallet,
            client,
        }
    }

    /// One whose client has sent the PIN.
    fn with_pin(seed: u64) -> Self {
        let mut shop = Self::new(seed);
        let pin = shop.wallet.pin;
        assert_eq!(shop.client.send(&mut shop.card, VERIFY, &pin).1, 0x9000);
        shop
    }

    fn send(&mut self, header: [u8; 4], data: &[u8]) -> (Vec<u8>, u16) {
        self.client.send(&mut self.card, header, data)
    }

    /// Whether the channel is closed, and no authority is left, in the channel's or
    /// any other session.
    #[track_caller]
    fn assert_closed(&mut self) {
        let mut late = self.client.clone();
        let command = late.protect(STATUS, &[]);
        assert_eq!(send(&mut self.card, &command), (Vec::new(), 0x6982));
        let ask = apdu(RECEIVE_SCRIPT, &[], true);
        assert_eq!(send(&mut self.card, &ask).1, 0x6982);
        let agreement_key = self.wallet.card_keys.agreement.clone();
        let mut other = Client::open(&mut self.card, &ephemeral(77), &agreement_key);
        assert_eq!(other.send(&mut self.card, RECEIVE_SCRIPT, &[]).1, 0x6982);
        // Nor did anybody use up a try.
        let tries = other.send(&mut self.card, VERIFY, &[]);
        assert_eq!(tries, (Vec::new(), 0x63C3));
    }
}

#[test]
fn all_goes_through_a_channel_in_short_and_extended_form() {
    let mut shop = Shop::with_pin(1);
    let (script, status) = shop.send(RECEIVE_SCRIPT, &[]);
    assert_eq!(status, 0x9000);
    assert_eq!(script[8..], *shop.wallet.script((0, 2)).as_bytes());
    // An extended command, then a short one, then one with an empty data field that
    // is padded and encrypted all the same.
    let command = shop.client.protect_as(RECEIVE_SCRIPT, &[], true);
    let (answer, status) = send(&mut shop.card, &command);
    assert_eq!(shop.client.unprotect(&answer, status), Some(script.clone()));
    assert_eq!(shop.send(RECEIVE_SCRIPT, &[]), (script.clone(), 0x9000));
    let padding = [&[0x80][..], &[0; 15]].concat();
    let encrypted = raw_encrypt(&shop.client, &padding);
    shop.client.counter += 1;
    let command = shop.client.authenticate(RECEIVE_SCRIPT, &encrypted, false);
    let (answer, status) = send(&mut shop.card, &command);
    assert_eq!(shop.client.unprotect(&answer, status), Some(script));
    // Refusals don't close it.
    for (header, status) in [
        ([0x80, 0x99, 0, 0], 0x6D00),
        ([0x80, 0x30, 0, 1], 0x6A86),
        ([0x80, 0x30, 0, 0], 0x6700),
        ([0x00, 0xA4, 4, 0], 0x6D00),
        ([0x00, 0xC0, 0, 0], 0x6D00),
    ] {
        assert_eq!(shop.send(header, &[0; 9]), (Vec::new(), status));
    }
    let again = open_data(&ephemeral(3));
    assert_eq!(shop.send([0x80, 0x88, 0x01, 0x13], &again).1, 0x6985);
    assert_eq!(shop.send(VERIFY, &[]).1, 0x63C3);
}

/// AES-CBC without padding, under the client's present counter.
fn raw_encrypt(client: &Client, padded: &[u8]) -> Vec<u8> {
    // What pads to these bytes, but for the block that padding adds.
    let whole = client.encrypt(padded);
    whole[..padded.len()].to_vec()
}

#[test]
fn an_answer_in_parts_is_protected_whole() {
    let mut shop = Shop::new(2);
    let (challenge, _) = shop.send(CHALLENGE, &[]);
    let command = shop
        .wallet
        .signed(&shop.client.session(), &challenge, [0x80, 0x50, 0, 0], &[]);
    let data = &command[5..command.len() - 1];
    let command = shop.client.protect([0x80, 0x50, 0, 0], data);
    let first = Reader::transmit(&mut shop.card, &command);
    assert_eq!(first.len(), 258);
    let [0x61, left] = first[256..] else {
        panic!("not in parts")
    };
    let rest = Reader::transmit(&mut shop.card, &[0x00, 0xC0, 0, 0, left]);
    let (rest, status) = rest.split_last_chunk::<2>().unwrap();
    assert_eq!(*status, [0x90, 0x00]);
    let whole = [&first[..256], rest].concat();
    let plain = shop
        .client
        .unprotect(&whole, 0x9000)
        .expect("the MAC is right");
    let key = shop.wallet.account().public_key.serialize();
    assert_eq!(plain[2..35], key);
    assert_eq!(shop.send(STATUS, &[]).1, 0x9000);
}

#[test]
fn what_isn_t_the_client_s_next_command_closes_the_channel() {
    type Attack = fn(&mut Shop) -> Vec<u8>;
    let attacks: [(&str, Attack); 12] = [
        ("a wrong MAC", |shop| {
            let mut command = shop.client.protect(RECEIVE_SCRIPT, &[]);
            let at = command.len() - 2;
            command[at] ^= 1;
            command
        }),
        ("another command under the same MAC", |shop| {
            let mut command = shop.client.protect(RECEIVE_SCRIPT, &[]);
            command[1] = 0x30;
            command
        }),
        ("another P2 under the same MAC", |shop| {
            let mut command = shop.client.protect(RECEIVE_SCRIPT, &[]);
            command[3] ^= 1;
            command
        }),
        ("other data under the same MAC", |shop| {
            let mut command = shop.client.protect(VERIFY, &[0; 8]);
            command[6] ^= 1;
            command
        }),
        ("the last command again", |shop| {
            let command = shop.client.protect(RECEIVE_SCRIPT, &[]);
            assert_eq!(send(&mut shop.card, &command).1, 0x9000);
            command
        }),
        ("one that was left out", |shop| {
            shop.client.protect(RECEIVE_SCRIPT, &[]);
            shop.client.protect(RECEIVE_SCRIPT, &[])
        }),
        ("two in the other order", |shop| {
            let mut later = shop.client.clone();
            later.protect(STATUS, &[]);
            later.protect(RECEIVE_SCRIPT, &[])
        }),
        ("the short form in the place of the extended one", |shop| {
            let long = shop.client.protect_as(RECEIVE_SCRIPT, &[], true);
            [&long[..4], &long[6..15], &[0]].concat()
        }),
        ("a MAC that is too short", |shop| {
            let command = shop.client.protect(RECEIVE_SCRIPT, &[]);
            [&command[..4], &[7], &command[5..12], &[0]].concat()
        }),
        ("no MAC", |_| vec![0x84, 0x20, 0x00, 0x00, 0x00]),
        ("data that aren't whole blocks", |shop| {
            let encrypted = vec![0x5A; 15];
            shop.client.counter += 1;
            shop.client.authenticate(RECEIVE_SCRIPT, &encrypted, false)
        }),
        ("wrong padding", |shop| {
            let encrypted = raw_encrypt(&shop.client, &[0x55; 16]);
            shop.client.counter += 1;
            shop.client.authenticate(RECEIVE_SCRIPT, &encrypted, false)
        }),
    ];
    for (name, attack) in attacks {
        let mut shop = Shop::with_pin(3);
        let command = attack(&mut shop);
        let answered = send(&mut shop.card, &command);
        assert_eq!(answered, (Vec::new(), 0x6982), "{name}");
        println!("{name}");
        shop.assert_closed();
    }
}

#[test]
fn plain_commands_close_the_channel() {
    for command in [
        apdu(STATUS, &[], true),
        apdu(RECEIVE_SCRIPT, &[], true),
        apdu(CHALLENGE, &[], true),
        apdu(VERIFY, &[0; 8], false),
        apdu([0x80, 0x99, 0, 0], &[], true),
        apdu([0x00, 0x88, 0, 0], &[0; 32], true),
    ] {
        let mut shop = Shop::with_pin(4);
        assert_eq!(send(&mut shop.card, &command), (Vec::new(), 0x6982));
        shop.assert_closed();
    }
}

/// What has no effect by section 2.2 leaves the channel as it is.
#[test]
fn what_is_no_command_leaves_the_channel_open() {
    let mut shop = Shop::with_pin(5);
    let other = b"\x00\xA4\x04\x00\x05\x01\x02\x03\x04\x05\x00";
    for (command, status) in [
        (&[0x81, 0x20, 0x00, 0x00, 0x00][..], 0x6881),
        (&[0x0C, 0x20, 0x00, 0x00, 0x00], 0x6882),
        (&[0x94, 0x20, 0x00, 0x00, 0x00], 0x6884),
        (&[0xE0, 0x20, 0x00, 0x00, 0x00], 0x6E00),
        (&[0x84, 0x20, 0x00, 0x00, 0x09, 0x01], 0x6700),
        (&[0x84, 0x20], 0x6700),
        (&other[..], 0x6A82),
        (&[0x00, 0xC0, 0x00, 0x00, 0x00], 0x6985),
    ] {
        assert_eq!(send(&mut shop.card, command).1, status);
        assert_eq!(shop.send(RECEIVE_SCRIPT, &[]).1, 0x9000);
    }
}

#[test]
fn a_new_session_ends_the_former() {
    let bad_point = {
        let mut command = open_apdu(&ephemeral(1));
        command[40] ^= 1;
        command
    };
    for (command, status) in [
        (SELECT.to_vec(), 0x9000),
        (open_apdu(&ephemeral(1)), 0x9000),
        (open_apdu(&ephemeral(9)), 0x9000),
        (bad_point, 0x6A80),
        (apdu([0x80, 0x88, 0x01, 0x13], &[0; 83], true), 0x6A80),
        (apdu([0x80, 0x88, 0x01, 0x13], &[], true), 0x6700),
        (apdu([0x80, 0x88, 0x01, 0x11], &[0; 83], true), 0x6A88),
        (apdu([0x80, 0x88, 0x00, 0x13], &[0; 83], true), 0x6A88),
    ] {
        let mut shop = Shop::with_pin(6);
        assert_eq!(send(&mut shop.card, &command).1, status);
        shop.assert_closed();
    }
    let mut shop = Shop::with_pin(6);
    Reader::reset(&mut shop.card);
    assert_eq!(send(&mut shop.card, SELECT).1, 0x9000);
    shop.assert_closed();
}

/// A shim between till and card may open a channel of its own, once the till sent
/// the PIN. The card doesn't know it from the till, and gives it nothing.
#[test]
fn a_shim_finds_no_authority_in_its_own_channel() {
    let mut shop = Shop::with_pin(7);
    let agreement_key = shop.wallet.card_keys.agreement.clone();
    let mut shim = Client::open(&mut shop.card, &ephemeral(66), &agreement_key);
    let request = payment::request(&mut Random::new(1), 10_000, 1_000);
    let paid = shim.send(&mut shop.card, [0x80, 0x30, 0, 0], &request.data());
    assert_eq!(paid, (Vec::new(), 0x6982));
    assert_eq!(shim.send(&mut shop.card, RECEIVE_SCRIPT, &[]).1, 0x6982);
    // The till's own channel is gone too.
    let late = shop.client.protect(RECEIVE_SCRIPT, &[]);
    assert_eq!(send(&mut shop.card, &late).1, 0x6982);
}

#[test]
fn each_channel_has_a_key_of_its_own() {
    let (mut card, wallet) = issued(8);
    let mut known = Vec::new();
    for _ in 0..8 {
        let (answer, status) = send(&mut card, &open_apdu(&ephemeral(5)));
        assert_eq!(status, 0x9000);
        let client = Client::agreed(&ephemeral(5), &wallet.card_keys.agreement, &answer);
        let client = client.expect("the receipt is right");
        known.push(answer[3..68].to_vec());
        known.push(client.receipt.to_vec());
        known.push(client.encryption.to_vec());
    }
    let count = known.len();
    known.sort();
    known.dedup();
    assert_eq!(known.len(), count);
    // Whoever has another card's certificate is told by the receipt.
    let (_, other) = issued(9);
    let (answer, _) = send(&mut card, &open_apdu(&ephemeral(5)));
    assert!(Client::agreed(&ephemeral(5), &other.card_keys.agreement, &answer).is_none());
}

/// An owner's signature serves in its session, once, on its card, for its command.
#[test]
fn owner_signatures_are_bound_to_their_session() {
    let body = objects(&[(0x80, &0u32.to_be_bytes())]);
    let header = [0x80, 0x42, 0, 0];
    // Without a payment, READ LOG is answered `6A88` when it is the owner's.
    let granted = 0x6A88;
    let ask = |shop: &mut Shop, session: &[u8], signed: [u8; 4], sent: [u8; 4]| {
        let (challenge, _) = shop.send(CHALLENGE, &[]);
        let command = shop.wallet.signed(session, &challenge, signed, &body);
        let data = command[5..command.len() - 1].to_vec();
        (shop.send(sent, &data).1, data)
    };
    let mut shop = Shop::new(10);
    let session = shop.client.session();
    let (status, data) = ask(&mut shop, &session, header, header);
    assert_eq!(status, granted);
    // Again, with the challenge used up, and with another.
    assert_eq!(shop.send(header, &data).1, 0x6982);
    shop.send(CHALLENGE, &[]);
    assert_eq!(shop.send(header, &data).1, 0x6982);
    // For another command with the same body.
    assert_eq!(
        ask(&mut shop, &session, header, [0x80, 0x4A, 0, 0]).0,
        0x6982
    );
    // As if for a plain session, or for another channel.
    assert_eq!(ask(&mut shop, &[0], header, header).0, 0x6982);
    let other = [&[16][..], &[7; 16]].concat();
    assert_eq!(ask(&mut shop, &other, header, header).0, 0x6982);
    // A signature for the channel doesn't serve in a plain session.
    assert_eq!(send(&mut shop.card, SELECT).1, 0x9000);
    let (challenge, _) = send(&mut shop.card, &apdu(CHALLENGE, &[], true));
    let command = shop.wallet.signed(&session, &challenge, header, &body);
    assert_eq!(send(&mut shop.card, &command).1, 0x6982);
    let (challenge, _) = send(&mut shop.card, &apdu(CHALLENGE, &[], true));
    let command = shop.wallet.signed(&[0], &challenge, header, &body);
    assert_eq!(send(&mut shop.card, &command).1, granted);
}

/// None of the structures that the identity key signs can be had by asking for
/// another.
#[test]
fn proofs_don_t_serve_as_statements() {
    let mut shop = Shop::with_pin(11);
    let request = payment::request(&mut Random::new(2), 20_000, 1_000);
    assert_eq!(shop.send([0x80, 0x30, 0, 0], &request.data()).1, 0x9000);
    let session = shop.client.session();
    // The digest of a statement as the challenge, and the bytes of one.
    let statement = tagged_hash("Tillcard/statement", &[&[0, 4], &session, &[1; 32]]);
    for challenge in [statement, [0x83; 32]] {
        let (proof, status) = shop.send([0x00, 0x88, 0, 0], &challenge);
        assert_eq!(status, 0x9000);
        let (salt, signature) = (&proof[2..18], &proof[20..]);
        let genuine = tagged_hash("Tillcard/genuine", &[&[0, 4], &session, &challenge, salt]);
        assert!(shop.wallet.is_signed_by_identity(&genuine, signature));
        for tag in ["Tillcard/statement", "Tillcard/issue"] {
            let other = tagged_hash(tag, &[&[0, 4], &session, &challenge, salt]);
            assert!(!shop.wallet.is_signed_by_identity(&other, signature));
        }
        assert!(!shop.wallet.is_signed_by_identity(&challenge, signature));
    }
    // Another length of challenge isn't taken, whatever stands in it.
    for length in [0, 31, 33, 64, 200] {
        let refused = shop.send([0x00, 0x88, 0, 0], &vec![0x83; length]);
        assert_eq!(refused, (Vec::new(), 0x6700));
    }
}
