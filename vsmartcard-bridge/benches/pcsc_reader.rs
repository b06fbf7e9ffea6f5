//! SELECT through pcscd and vpcd.

mod common;

use common::reader::{Ours, PlainEcho, QuickEcho};
use criterion::{Criterion, criterion_group, criterion_main};

fn select(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("SELECT through pcscd");
    {
        let mut ours = Ours::insert();
        group.bench_function("tillcard-emu", |bench| bench.iter(|| ours.client.select()));
        let mut echo = QuickEcho::insert();
        group.bench_function("echo, quick acknowledgement", |bench| {
            bench.iter(|| echo.client.select());
        });
    }
    let mut plain = PlainEcho::insert();
    group.sample_size(10);
    group.bench_function("echo, vpicc as it is", |bench| {
        bench.iter(|| plain.client.select())
    });
    group.finish();
}

criterion_group!(benches, select);
criterion_main!(benches);
