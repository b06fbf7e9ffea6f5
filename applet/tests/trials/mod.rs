//! Cards of every kind, with coins of all amounts, paying everybody.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};
use tillcard_testkit::card::{apdu, fresh, objects, send};
use tillcard_testkit::oracle::choice::virtual_size;
use tillcard_testkit::oracle::model::Model;
use tillcard_testkit::oracle::owner::{Unsigned, enter, stream};
use tillcard_testkit::oracle::payment::{Request, payee, request};
use tillcard_testkit::oracle::random::Random;
use tillcard_testkit::oracle::wallet::{Limits, Profile, Wallet};

/// Payments that one card makes.
const PAYMENTS: u32 = 10;
/// Signatures asked for, about, of one of the owner's transactions.
const SIGNED: u64 = 24;

/// So many payments, each previewed, paid, and compared.
pub fn payments(count: u32) {
    let mut done = 0;
    let mut by_inputs = [0u32; 17];
    let mut refused = 0;
    for seed in 0.. {
        if done >= count {
            break;
        }
        let random = &mut Random::new(seed);
        let profile = Profile::random(random, Limits::WIDE);
        let mut card = fresh(seed);
        let wallet = Wallet::issue(&mut card, random, &profile);
        let model = &mut Model::new(&wallet, profile.limits);
        let coins = random.between(1, 30);
        // Coins of like amounts make payments of many inputs.
        let most = random.of(&[1_200, 3_000, 1_000_000, 100_000_000_000]);
        for _ in 0..coins {
            // Indexes may be used twice, or left out.
            let index =
                model.next(0).saturating_sub(random.below(2) as u32) + random.below(3) as u32;
            let amount = random.amount(1_000, most);
            enter(&mut card, model, random, (0, index), amount);
        }
        for _ in 0..PAYMENTS {
            let spendable: u64 = model
                .coins
                .iter()
                .filter(|coin| coin.spent.is_none() && !model.retired.contains(&coin.place))
                .map(|coin| coin.amount)
                .sum();
            if spendable < 2_000 || done >= count {
                break;
            }
            let share = spendable * random.between(1, 99) / 100;
            let rate = random.of(&[100, 101, 999, 1_000, 1_001, 2_500, 7_777]);
            let amount = random.of(&[share, share, share / 4, 600]);
            let request = request(random, amount, rate);
            let data = request.data();
            let verify = apdu([0x00, 0x20, 0x00, 0x80], &wallet.pin, false);
            assert_eq!(send(&mut card, &verify).1, model.verify(&wallet.pin));
            let (answer, status) = send(&mut card, &apdu([0x80, 0x32, 0, 0], &data, true));
            match model.preview(&request) {
                Err(expected) => {
                    assert_eq!(status, expected, "seed {seed}: {request:?}");
                    refused += 1;
                    continue;
                }
                Ok(expected) => assert_eq!((status, answer), (0x9000, expected)),
            }
            let (answer, status) = send(&mut card, &apdu([0x80, 0x30, 0, 0], &data, true));
            assert_eq!(status, 0x9000, "seed {seed}: {request:?}");
            let written = model.pay(&request).unwrap();
            written.check_signed(&wallet, &answer);
            let signed: bitcoin::Transaction = bitcoin::consensus::deserialize(&answer).unwrap();
            assert_eq!(signed.compute_txid(), written.transaction.compute_txid());
            // The text's formula against the real thing.
            let (inputs, outputs) = (signed.input.len(), signed.output.len());
            let size = virtual_size(inputs as u64, request.payee.len() as u64, outputs == 2);
            assert_eq!(signed.vsize() as u64, size);
            let fee = written
                .spent
                .iter()
                .map(|coin| coin.value.to_sat())
                .sum::<u64>()
                - signed
                    .output
                    .iter()
                    .map(|output| output.value.to_sat())
                    .sum::<u64>();
            assert!(fee * 1000 >= size * u64::from(rate));
            for output in &signed.output {
                assert!(output.value >= output.script_pubkey.minimal_non_dust());
            }
            let script = model.receive_script();
            assert_eq!(script, Err(0x6982));
            by_inputs[inputs] += 1;
            done += 1;
        }
        // The log has them all, with all that was claimed.
        for number in 0..model.next_number {
            let body = objects(&[(0x80, &number.to_be_bytes())]);
            let (answer, status) = wallet.command(&mut card, [0x80, 0x42, 0, 0], &body);
            assert_eq!((status, answer), (0x9000, model.read_log(number).unwrap()));
        }
    }
    println!(
        "{done} payments, {refused} refused; by inputs: {:?}",
        &by_inputs[1..]
    );
    assert!(by_inputs[1..].iter().all(|payments| *payments > 0));
}

/// The last sat on either side: of each payee's dust threshold, and of the least
/// change.
pub fn boundaries() {
    let random = &mut Random::new(1);
    let profile = Profile::random(random, Limits::WIDE);
    let mut card = fresh(1);
    let wallet = Wallet::issue(&mut card, random, &profile);
    let model = &mut Model::new(&wallet, profile.limits);
    enter(&mut card, model, random, (0, 0), 100_000);
    let verify = apdu([0x00, 0x20, 0x00, 0x80], &wallet.pin, false);
    let mut preview = |request: &Request| {
        assert_eq!(send(&mut card, &verify).1, 0x9000);
        model.verify(&wallet.pin);
        let (answer, status) = send(&mut card, &apdu([0x80, 0x32, 0, 0], &request.data(), true));
        let expected = model.preview(request);
        assert_eq!(
            (status, &answer),
            match &expected {
                Ok(answer) => (0x9000, answer),
                Err(status) => (*status, &answer),
            }
        );
        status
    };
    let mut types = std::collections::HashSet::new();
    while types.len() < 5 {
        let request = request(random, 0, 1_000);
        let dust = request.payee.minimal_non_dust().to_sat();
        let with = |amount| Request {
            amount,
            ..request.clone()
        };
        assert_eq!(preview(&with(dust)), 0x9000);
        assert_eq!(preview(&with(dust - 1)), 0x9407);
        // Change of 330 sat, and what would be 329.
        let fee = virtual_size(1, request.payee.len() as u64, true);
        for rest in [329, 330] {
            assert_eq!(preview(&with(100_000 - fee - rest)), 0x9000);
        }
        types.insert(request.payee.as_bytes()[..2].to_vec());
    }
}

/// So many signatures of transactions with 1 to 128 inputs and 1 to 64 outputs.
pub fn owner_signatures(count: u32) {
    let mut done = 0;
    let mut transactions = 0;
    for seed in 0.. {
        if done >= count {
            break;
        }
        let random = &mut Random::new(1 << 32 | seed);
        let profile = Profile::random(random, Limits::WIDE);
        let mut card = fresh(seed);
        let wallet = Wallet::issue(&mut card, random, &profile);
        for _ in 0..8 {
            let inputs = random.of(&[1, 2, 3, random_up_to(seed, 128), 128]);
            let outputs = random.of(&[1, 2, random_up_to(seed, 64), 64]);
            let unsigned = unsigned(random, inputs, outputs);
            let bytes = unsigned.stream();
            let (_, status) = wallet.command(&mut card, [0x80, 0x40, 0, 0], &unsigned.body(&bytes));
            assert_eq!(status, 0x9000);
            let (answer, status) = stream(&mut card, [0x80, 0x40, 1, 0], &bytes);
            assert_eq!(
                (status, answer),
                (0x9000, unsigned.summary()),
                "seed {seed}"
            );
            let written = unsigned.written(&wallet);
            // Not all of the many, so that there are transactions of every size.
            for input in 0..inputs {
                if inputs > SIGNED && !random.once_in(inputs / SIGNED) {
                    continue;
                }
                let ask = apdu([0x80, 0x40, 2, input as u8], &[], true);
                let (signature, status) = send(&mut card, &ask);
                assert_eq!((signature.len(), status), (64, 0x9000));
                written.check_signature(&wallet, input as usize, &signature);
                done += 1;
            }
            transactions += 1;
        }
    }
    println!("{done} signatures of {transactions} transactions");
}

fn random_up_to(seed: u64, most: u64) -> u64 {
    seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % most + 1
}

fn unsigned(random: &mut Random, inputs: u64, outputs: u64) -> Unsigned {
    let inputs: Vec<_> = (0..inputs)
        .map(|_| {
            let outpoint = OutPoint::new(
                Txid::from_byte_array(random.bytes()),
                random.below(1 << 32) as u32,
            );
            let sequence = random.of(&[u32::MAX, 0xFFFF_FFFD, 0, 144]);
            let place = (random.below(2) as u32, random.below(4096) as u32);
            (
                outpoint,
                sequence,
                random.amount(1_000, 1_000_000_000_000),
                place,
            )
        })
        .collect();
    let mut left: u64 = inputs.iter().map(|(_, _, amount, _)| amount).sum();
    // At most 10 sat/vB of it.
    left -= random.below(575 * inputs.len() as u64);
    let outputs = (1..=outputs)
        .map(|output| {
            let amount = if output == outputs {
                left
            } else {
                random.below(left / 2 + 1)
            };
            left -= amount;
            let payee = match random.below(4) {
                0 => Ok((0, random.below(10) as u32)),
                1 => Ok((1, random.below(20) as u32)),
                2 => Err(payee(random)),
                _ => {
                    let length = random.of(&[1, 75, 76, 252]);
                    Err(ScriptBuf::from(vec![random.below(256) as u8; length]))
                }
            };
            (amount, payee)
        })
        .collect();
    Unsigned {
        version: random.between(1, 3) as u32,
        lock_time: random.below(1 << 32) as u32,
        inputs,
        outputs,
    }
}
