//! Range-proof verification at 32 bits, one thread: by itself, in a batch of 1,000, and 125 proofs of 8 values in a
//! batch. Criterion reports the time of the whole call; elements a second count proofs, or values in the last.
#![allow(missing_docs)]

use aula_zk::workload::{Proved, amounts};
use aula_zk::{Batch, Context, Field, Flag, FlagProof, Moment, Opening, Rejected, Scalar, verify_all};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand::rngs::StdRng;

fn batch(pairs: &[Proved]) -> Result<(), Rejected> {
    verify_all(pairs.iter().map(|(statement, proof)| (statement, proof)))
}

fn verification(criterion: &mut Criterion) {
    let mut rng = StdRng::seed_from_u64(1);
    let singles = amounts(1_000, 1, &mut rng).expect("one value a proof");
    let aggregated = amounts(125, 8, &mut rng).expect("eight values a proof");
    assert_eq!((batch(&singles), batch(&aggregated)), (Ok(()), Ok(())));

    let mut group = criterion.benchmark_group("verify_32_bits");
    group.sample_size(10);
    group.throughput(Throughput::Elements(1));
    group.bench_function("single", |bencher| {
        let mut next = singles.iter().cycle();
        bencher.iter(|| next.next().map(|(statement, proof)| statement.verify(proof)));
    });
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("batch_of_1000", |bencher| bencher.iter(|| batch(&singles)));
    group.bench_function("batch_of_125_by_8", |bencher| bencher.iter(|| batch(&aggregated)));
    group.finish();
}

/// 1,000 flags of as many students: what two flags a request cost a block of 500.
fn flags(criterion: &mut Criterion) {
    let mut rng = StdRng::seed_from_u64(1);
    let context = Context::new([0; 32], Moment::Round(1), Field::new("flag").expect("a short name"));
    let proved: Vec<(Flag, FlagProof)> = (0..1_000_u64)
        .map(|n| {
            let opening = Opening::new(n % 2, Scalar::from(n.wrapping_add(1)));
            let commitment = opening.commit().expect("its blinding is not zero");
            let flag = Flag { context: context.clone(), subject: [7; 32], commitment };
            let proof = flag.prove(&opening, &mut rng).expect("it is a flag");
            (flag, proof)
        })
        .collect();
    let mut group = criterion.benchmark_group("verify_flags");
    group.sample_size(10);
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("batch_of_1000", |bencher| {
        bencher.iter(|| {
            let mut batch = Batch::new();
            proved.iter().for_each(|(flag, proof)| batch.push_flag(flag, proof));
            assert!(batch.holds());
        });
    });
    group.finish();
}

criterion_group!(benches, verification, flags);
criterion_main!(benches);
