//! The application under `apdu-dispatch`, the host of USB tokens: the same application answers there
//! as on the card of this project.
//!
//! `apdu-dispatch` 0.4.1 hands every command on as one of extended length, however it came. A MAC is
//! over Lc as it was sent (`docs/protocol.md`, section 2.7): so a channel to a token takes commands
//! of extended length only.

use apdu_dispatch::dispatch::ApduDispatch;
use apdu_dispatch::interchanges::{Channel, Data, Requester};
use p256::SecretKey;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tillcard_applet::{Configuration, Tillcard};
use tillcard_runtime::Application;
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::card::{Reader, SELECT, apdu, fresh, send};
use tillcard_testkit::channel::Client;
use tillcard_testkit::oracle::model::Model;
use tillcard_testkit::oracle::owner::enter;
use tillcard_testkit::oracle::payment::request;
use tillcard_testkit::oracle::random::Random;
use tillcard_testkit::oracle::wallet::{Leaf, Limits, Profile, Wallet};

const PROFILE: Profile = Profile {
    network: 3,
    imported: false,
    leaf: Leaf::Key,
    limits: Limits::WIDE,
    policy: 1,
};

/// A token's two ways in.
#[derive(Default)]
struct Pipes {
    contact: Channel,
    contactless: Channel,
}

/// A token with the application, reached over one of the two.
struct Token<'a> {
    dispatch: ApduDispatch<'a>,
    requester: Requester<'a>,
    application: Tillcard<RamNvm, ChaCha20Rng>,
}

impl Pipes {
    fn token(&self, is_contact: bool) -> Token<'_> {
        let (contact, contact_responder) = self.contact.split().unwrap();
        let (contactless, contactless_responder) = self.contactless.split().unwrap();
        Token {
            dispatch: ApduDispatch::new(contact_responder, contactless_responder),
            requester: if is_contact { contact } else { contactless },
            application: Tillcard::new(
                RamNvm::default(),
                ChaCha20Rng::seed_from_u64(!1),
                Configuration::ANY_NETWORK,
            ),
        }
    }
}

impl Reader for Token<'_> {
    fn transmit(&mut self, apdu: &[u8]) -> Vec<u8> {
        let request = Data::try_from(apdu).unwrap();
        self.requester.request(request).unwrap();
        self.dispatch.poll(&mut [&mut self.application]);
        self.requester.take_response().unwrap().to_vec()
    }

    fn reset(&mut self) {
        self.application.reset();
    }
}

/// A payment of one card; every answer on the way is checked.
fn payment(card: &mut impl Reader) -> Vec<u8> {
    let random = &mut Random::new(5);
    let wallet = Wallet::issue(card, random, &PROFILE);
    let model = &mut Model::new(&wallet, PROFILE.limits);
    enter(card, model, random, (0, 0), 50_000);
    let request = request(random, 20_000, 1_000).data();
    let ephemeral = SecretKey::from_slice(&[7; 32]).unwrap();
    let mut client = Client::open(card, &ephemeral, &wallet.card_keys.agreement);
    let mut answer = Vec::new();
    for (header, data) in [
        ([0x00, 0x20, 0x00, 0x80], wallet.pin.to_vec()),
        ([0x80, 0x32, 0x00, 0x00], request.clone()),
        ([0x80, 0x30, 0x00, 0x00], request),
    ] {
        let protected = client.protect_as(header, &data, true);
        let status;
        (answer, status) = send(card, &protected);
        assert_eq!(status, 0x9000);
    }
    answer
}

#[test]
fn a_payment_is_the_same_as_on_the_card() {
    let pipes = Pipes::default();
    let paid = payment(&mut pipes.token(true));
    assert!(paid.len() > 150);
    assert_eq!(paid, payment(&mut fresh(1)));
}

#[test]
fn a_short_protected_command_has_another_mac_there() {
    let pipes = Pipes::default();
    let token = &mut pipes.token(true);
    let wallet = Wallet::issue(token, &mut Random::new(6), &PROFILE);
    let ephemeral = SecretKey::from_slice(&[7; 32]).unwrap();
    let mut client = Client::open(token, &ephemeral, &wallet.card_keys.agreement);
    let status = client.protect([0x00, 0xCA, 0x01, 0x00], &[]);
    assert_eq!(send(token, &status), (Vec::new(), 0x6982));
}

#[test]
fn over_a_contactless_interface_there_is_no_such_application() {
    let pipes = Pipes::default();
    let mut token = pipes.token(false);
    assert_eq!(send(&mut token, SELECT), (Vec::new(), 0x6A82));
    let status = apdu([0x00, 0xCA, 0x01, 0x00], &[], true);
    assert_eq!(send(&mut token, &status), (Vec::new(), 0x6985));
}
