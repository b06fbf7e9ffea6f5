//! Card time of a payment and of a PIN entry, beside what each can't be faster than.

mod common;

use common::card::{Flush, OnDisk, Payment, Signature};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

fn payment(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("payment");
    let signature = Signature::new();
    group.bench_function("one BIP340 signature (k256)", |bench| {
        bench.iter(|| signature.make())
    });
    let payment = Payment::new();
    group.bench_function("PAY, 1 input, 2 outputs", |bench| {
        bench.iter_batched_ref(
            || payment.ready(),
            |card| payment.pay(card),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn persistence(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("persistence");
    let mut flush = Flush::new();
    group.bench_function("one insertion and flush (sled)", |bench| {
        bench.iter(|| flush.insert_and_flush());
    });
    let mut card = OnDisk::new();
    group.bench_function("VERIFY on the disk", |bench| bench.iter(|| card.verify()));
    group.finish();
}

criterion_group!(benches, payment, persistence);
criterion_main!(benches);
