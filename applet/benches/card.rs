//! How long the card takes, in process and without a reader: a payment by its
//! inputs, and the owner's signing by its inputs. Both ought to be linear.

#![allow(missing_docs)] // criterion's macros

mod common;

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};
use common::{COIN, funded, selected};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tillcard_testkit::card::{apdu, send};
use tillcard_testkit::oracle::owner::{Unsigned, stream};
use tillcard_testkit::oracle::payment::request;
use tillcard_testkit::oracle::random::Random;

fn payment_by_inputs(criterion: &mut Criterion) {
    let (nvm, wallet) = funded();
    let verify = apdu([0x00, 0x20, 0x00, 0x80], &wallet.pin, false);
    let mut group = criterion.benchmark_group("payment_by_inputs");
    for inputs in [1, 2, 4, 8, 12, 16] {
        // Nearly all of the last coin is change.
        let amount = (inputs - 1) * COIN + 1_000;
        let request = request(&mut Random::new(3), amount, 1_000);
        let pay = apdu([0x80, 0x30, 0, 0], &request.data(), true);
        group.throughput(Throughput::Elements(inputs));
        group.bench_function(BenchmarkId::from_parameter(inputs), |bencher| {
            bencher.iter_batched(
                || {
                    let mut card = selected(&nvm);
                    assert_eq!(send(&mut card, &verify).1, 0x9000);
                    card
                },
                |mut card| assert_eq!(send(&mut card, &pay).1, 0x9000),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn owner_signing_by_inputs(criterion: &mut Criterion) {
    let (nvm, wallet) = funded();
    let mut group = criterion.benchmark_group("owner_signing_by_inputs");
    group.sample_size(20);
    for inputs in [1, 8, 32, 64, 128] {
        let unsigned = Unsigned {
            version: 2,
            lock_time: 0,
            inputs: (0..inputs)
                .map(|index| {
                    let outpoint = OutPoint::new(Txid::from_byte_array([index as u8; 32]), 0);
                    (outpoint, 0xFFFF_FFFD, COIN, (0, index as u32))
                })
                .collect(),
            outputs: vec![(
                inputs * COIN - 10 * inputs,
                Err(ScriptBuf::from(vec![0x51; 34])),
            )],
        };
        let bytes = unsigned.stream();
        let body = unsigned.body(&bytes);
        group.throughput(Throughput::Elements(inputs));
        group.bench_function(BenchmarkId::from_parameter(inputs), |bencher| {
            bencher.iter_batched(
                || selected(&nvm),
                |mut card| {
                    let (_, status) = wallet.command(&mut card, [0x80, 0x40, 0, 0], &body);
                    assert_eq!(status, 0x9000);
                    assert_eq!(stream(&mut card, [0x80, 0x40, 1, 0], &bytes).1, 0x9000);
                    for input in 0..inputs {
                        let ask = apdu([0x80, 0x40, 2, input as u8], &[], true);
                        assert_eq!(send(&mut card, &ask).1, 0x9000);
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, payment_by_inputs, owner_signing_by_inputs);
criterion_main!(benches);
