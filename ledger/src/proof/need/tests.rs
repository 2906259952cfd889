//! What a prover may try who commits to inputs outside their ranges.

use aula_zk::{Scalar, StudentSecret};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::CompressedRistretto;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::testkit::name;
use crate::twin::{InputSource, NeedInput};

/// A flag of 640 and a position of −7 a step: 0 to 2,425.
pub fn rule() -> NeedRule {
    let input = |text: &str, kind, number, weight| NeedInput {
        name: name(text),
        kind,
        source: InputSource::Recorded(number),
        weight,
        unrecorded: 0,
    };
    let inputs = vec![input("lunch", InputKind::Flag, 0, 640), input("scores", InputKind::Position, 1, -7)];
    NeedRule { constant: 1_785, inputs }
}

/// Inputs that somebody commits to: two numbers modulo the group order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    /// 1 and 100, as they should be.
    None,
    /// A flag of 2.
    FlagOfTwo,
    /// A position of 256.
    PositionOf256,
    /// A flag of −1.
    FlagBelow,
    /// A position of −1.
    PositionBelow,
    /// The flag that gives the greatest need whatever the position is.
    Solution,
}

impl Attack {
    /// All but [`Self::None`].
    pub const ALL: [Self; 5] =
        [Self::FlagOfTwo, Self::PositionOf256, Self::FlagBelow, Self::PositionBelow, Self::Solution];

    fn inputs(self) -> [Scalar; 2] {
        let number = |value: u64| Scalar::from(value);
        match self {
            Self::None => [number(1), number(100)],
            Self::FlagOfTwo => [number(2), number(200)],
            Self::PositionOf256 => [number(1), number(256)],
            Self::FlagBelow => [-number(1), number(100)],
            Self::PositionBelow => [number(0), -number(1)],
            // 1,785 + 640·x − 7·250 = 2,400, which no integer x solves.
            Self::Solution => {
                [(number(2_400) - number(1_785) + number(7 * 250)) * number(640).invert(), number(250)]
            }
        }
    }
}

/// The inputs nearest to these that can be proved, which the forger proves instead.
fn near(attack: Attack) -> [u64; 2] {
    match attack {
        Attack::PositionOf256 => [1, 255],
        Attack::FlagOfTwo => [1, 200],
        Attack::Solution => [1, 250],
        Attack::FlagBelow => [0, 100],
        Attack::PositionBelow => [0, 0],
        Attack::None => [1, 100],
    }
}

fn opening(handle: &Handle, at: usize, value: u64) -> Opening {
    let field = Field::new(&input_field(at).to_string()).expect("a name");
    Opening::derive(&StudentSecret::new(handle.0), &field, 1, value)
}

/// A commitment to a number modulo the group order, under the student's blinding.
fn commit(handle: &Handle, at: usize, value: Scalar) -> CommitmentBytes {
    let blinding = opening(handle, at, 0).commit().expect("hidden");
    let blinding = CompressedRistretto(*blinding.as_bytes()).decompress().expect("a point");
    let point = RISTRETTO_BASEPOINT_TABLE * &value + blinding;
    CommitmentBytes(point.compress().to_bytes())
}

/// The commitments of an attack, and the claim with the best proofs that its maker can give: the band is proved honestly, for the
/// derived commitment does hold such a need; inputs are proved as if they were the nearest ones in range.
pub fn forged(chain: &Hash, round: RoundId, handle: Handle, attack: Attack) -> (NeedClaim, NeedProof) {
    let rule = rule();
    let inputs = attack.inputs();
    let need = Scalar::from(1_785_u64) + Scalar::from(640_u64) * inputs[0] - Scalar::from(7_u64) * inputs[1];
    // The need is a small number in every attack.
    let need = (0..2_560_u64).find(|value| Scalar::from(*value) == need).expect("a need on the scale");
    let band = Band::new((need / 256) as u8).expect("a band");
    let committed = |at: usize, value: Scalar| commit(&handle, at, value);
    let commitments = vec![committed(0, inputs[0]), committed(1, inputs[1])];
    let claim = NeedClaim { handle, band, inputs: commitments };
    let statement = NeedStatement::of(chain, round, &rule, std::slice::from_ref(&claim)).expect("points");
    let mut rng = StdRng::seed_from_u64(5);
    let blinding = rule.form().open(&[opening(&handle, 0, 1), opening(&handle, 1, 255)]).expect("a need");
    let band_opening = Opening::new(need, *blinding.blinding());
    let bands =
        statement.ranges.last().expect("the bands").prove(&[band_opening], &mut rng).expect("in the band");
    // The proofs of the nearest inputs, made for their own commitments.
    let nearest = near(attack);
    let honest = [opening(&handle, 0, nearest[0]), opening(&handle, 1, nearest[1])];
    let near_need = rule.form().value(&nearest).expect("a need");
    let near_claim = NeedClaim {
        handle,
        band: Band::new((near_need / 256) as u8).expect("a band"),
        inputs: honest.iter().map(|one| CommitmentBytes(*one.commit().expect("hidden").as_bytes())).collect(),
    };
    let near_statement = NeedStatement::of(chain, round, &rule, &[near_claim]).expect("points");
    let mut proof = near_statement.prove(&rule, &[honest.to_vec()], &mut rng).expect("true claims");
    *proof.ranges.last_mut().expect("the bands") = ProofBytes(bands);
    (claim, proof)
}

fn verdict(claim: &NeedClaim, proof: &NeedProof) -> Result<(), RejectedGroup> {
    let (chain, round) = (Hash([7; 32]), RoundId(3));
    let statement = NeedStatement::of(&chain, round, &rule(), std::slice::from_ref(claim)).expect("points");
    let mut batch = NeedBatch::default();
    batch.push(&statement, proof);
    batch.verify()
}

#[test]
fn a_true_claim_holds_and_each_attack_fails_though_its_band_is_proved() {
    let (chain, round, handle) = (Hash([7; 32]), RoundId(3), Handle([9; 32]));
    let (claim, proof) = forged(&chain, round, handle, Attack::None);
    assert_eq!(verdict(&claim, &proof), Ok(()));
    for attack in Attack::ALL {
        let (claim, proof) = forged(&chain, round, handle, attack);
        let statement =
            NeedStatement::of(&chain, round, &rule(), std::slice::from_ref(&claim)).expect("points");
        let (bands, proved) = (statement.ranges.last().unwrap(), proof.ranges.last().unwrap());
        assert!(bands.verify(&proved.0).is_ok(), "{attack:?}: the band alone would be believed");
        assert_eq!(verdict(&claim, &proof), Err(RejectedGroup(0)), "{attack:?}");
    }
}

#[test]
fn a_false_input_is_not_proved_by_the_prover() {
    let (chain, round, handle) = (Hash([7; 32]), RoundId(3), Handle([9; 32]));
    for values in [[2, 100], [1, 256]] {
        let openings: Vec<Opening> =
            values.iter().enumerate().map(|(at, value)| opening(&handle, at, *value)).collect();
        let inputs = openings.iter().map(|one| CommitmentBytes(*one.commit().unwrap().as_bytes())).collect();
        let need = rule().form().value(&values).unwrap();
        let claim = NeedClaim { handle, band: Band::new((need / 256) as u8).unwrap(), inputs };
        let statement = NeedStatement::of(&chain, round, &rule(), &[claim]).unwrap();
        let mut rng = StdRng::seed_from_u64(5);
        assert_eq!(statement.prove(&rule(), &[openings], &mut rng), Err(ProveError::False(0)), "{values:?}");
    }
}

#[test]
fn inputs_that_cancel_or_are_too_few_give_no_statement() {
    let (chain, round, handle) = (Hash([7; 32]), RoundId(3), Handle([9; 32]));
    let of = |inputs: Vec<CommitmentBytes>| {
        let claim = NeedClaim { handle, band: Band::new(0).unwrap(), inputs };
        NeedStatement::of(&chain, round, &rule(), &[claim]).map(|_| ())
    };
    let zero = commit(&handle, 0, Scalar::ZERO);
    assert_eq!(of(vec![zero]), Err(StatementError::NotCommitted(0)));
    assert_eq!(of(vec![zero; 3]), Err(StatementError::NotCommitted(0)));
    // 640·C₀ − 7·C₁ + 1,785·B is nothing: C₁ = (640·C₀ + 1,785·B) / 7.
    let point = |bytes: CommitmentBytes| CompressedRistretto(bytes.0).decompress().unwrap();
    let sum = point(zero) * Scalar::from(640_u64) + RISTRETTO_BASEPOINT_TABLE * &Scalar::from(1_785_u64);
    let other = CommitmentBytes((sum * Scalar::from(7_u64).invert()).compress().to_bytes());
    assert_eq!(of(vec![zero, other]), Err(StatementError::NotCommitted(0)));
}

#[test]
fn proofs_too_many_or_too_few_or_of_another_round_are_refused() {
    let (chain, round, handle) = (Hash([7; 32]), RoundId(3), Handle([9; 32]));
    let (claim, good) = forged(&chain, round, handle, Attack::None);
    let changes: [fn(&mut NeedProof); 5] = [
        |proof| proof.flags.clear(),
        |proof| proof.flags.push(proof.flags[0].clone()),
        |proof| proof.ranges.truncate(1),
        |proof| proof.ranges.push(proof.ranges[0].clone()),
        |proof| proof.ranges.swap(0, 1),
    ];
    for change in changes {
        let mut proof = good.clone();
        change(&mut proof);
        assert_eq!(verdict(&claim, &proof), Err(RejectedGroup(0)));
    }
    let (claim, elsewhere) = forged(&chain, RoundId(4), handle, Attack::None);
    assert_eq!(verdict(&claim, &elsewhere), Err(RejectedGroup(0)));
}

/// Nanoseconds that this thread has run: a busy machine spoils them less than a clock.
#[allow(clippy::disallowed_methods)]
fn ran_ns() -> u128 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

/// What one request costs under the demo's kind of rule: `--ignored --nocapture what_a_request_costs`.
#[test]
#[ignore = "measures, asserts nothing about time"]
fn what_a_request_costs() {
    let (chain, round) = (Hash([7; 32]), RoundId(3));
    let extra = NeedInput { name: name("other"), weight: 0, ..rule().inputs[0].clone() };
    let mut two_flags = rule();
    two_flags.inputs.insert(1, extra);
    let mut six = rule();
    six.inputs = (0..6)
        .map(|n| NeedInput { name: name(&format!("p{n}")), weight: 1, ..rule().inputs[1].clone() })
        .collect();
    six.constant = 0;
    for (what, rule) in
        [("one flag, one position", rule()), ("two flags, one position", two_flags), ("six positions", six)]
    {
        let students = 128_usize;
        let mut claims = Vec::new();
        let mut openings = Vec::new();
        for number in 0..students {
            let handle = Handle([number as u8; 32]);
            let values: Vec<u64> = rule
                .inputs
                .iter()
                .map(|input| match input.kind {
                    InputKind::Flag => 1,
                    InputKind::Position => 100,
                })
                .collect();
            let own: Vec<Opening> =
                values.iter().enumerate().map(|(at, value)| opening(&handle, at, *value)).collect();
            let inputs = own.iter().map(|one| CommitmentBytes(*one.commit().unwrap().as_bytes())).collect();
            let need = rule.form().value(&values).unwrap();
            claims.push(NeedClaim { handle, band: Band::new((need / 256) as u8).unwrap(), inputs });
            openings.push(own);
        }
        let groups: Vec<_> = claims.chunks(BAND_GROUP).zip(openings.chunks(BAND_GROUP)).collect();
        let start = ran_ns();
        let statements: Vec<NeedStatement> = groups
            .iter()
            .map(|(claims, _)| NeedStatement::of(&chain, round, &rule, claims).unwrap())
            .collect();
        let derive = ran_ns() - start;
        let start = ran_ns();
        let mut rng = StdRng::seed_from_u64(1);
        let proofs: Vec<NeedProof> = statements
            .iter()
            .zip(&groups)
            .map(|(statement, (_, openings))| statement.prove(&rule, openings, &mut rng).unwrap())
            .collect();
        let prove = ran_ns() - start;
        let bytes = borsh::to_vec(&proofs).unwrap().len() / students + 32 * rule.inputs.len();
        let mut batch = NeedBatch::default();
        let start = ran_ns();
        statements.iter().zip(&proofs).for_each(|(statement, proof)| batch.push(statement, proof));
        batch.verify().unwrap();
        let verify = ran_ns() - start;
        let each = |time: u128| time / 1_000 / students as u128;
        println!(
            "{what}: prove {} us, statement {} us, verify {} us, {bytes} bytes a request",
            each(prove),
            each(derive),
            each(verify)
        );
    }
}
