//! What a channel costs the card, in process and without a reader: a short command and a
//! payment, plainly and in a channel, and the channel's opening.

#![allow(missing_docs)] // criterion's macros

mod common;

use common::{Ready, Session, Till};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

fn channel(criterion: &mut Criterion) {
    let till = Till::new();
    let mut group = criterion.benchmark_group("channel");
    let mut measure = |name: &str, ready: &dyn Fn() -> Ready| {
        group.bench_function(name, |bench| {
            bench.iter_batched_ref(ready, Ready::run, BatchSize::LargeInput);
        });
    };
    measure("opening", &|| till.opening());
    measure("GET DATA, plain", &|| till.status(Session::Plain));
    measure("GET DATA, protected", &|| till.status(Session::Channel));
    measure("payment, plain", &|| till.payment(Session::Plain));
    measure("payment, protected", &|| till.payment(Session::Channel));
    group.finish();
}

criterion_group!(benches, channel);
criterion_main!(benches);
