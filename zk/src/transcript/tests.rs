//! The context: each part of it changes every challenge.

use super::*;

fn context(genesis: [u8; 32], moment: Moment, field: &str) -> Context {
    Context::new(genesis, moment, Field::new(field).unwrap())
}

#[test]
fn each_part_of_the_context_changes_the_challenge() {
    // Two chains whose ids would agree: the hashes differ in their last bit only.
    let mut last_bit = [1; 32];
    last_bit[31] = 0;
    let variants = [
        (label::RANGE, context([1; 32], Moment::Round(7), "need")),
        (label::SUM, context([1; 32], Moment::Round(7), "need")),
        (label::RANGE, context(last_bit, Moment::Round(7), "need")),
        (label::RANGE, context([1; 32], Moment::Round(8), "need")),
        (label::RANGE, context([1; 32], Moment::Height(7), "need")),
        (label::RANGE, context([1; 32], Moment::Round(7), "engagement")),
    ];
    let mut seen: Vec<Scalar> = Vec::new();
    for (protocol, context) in variants {
        let challenge = challenge_scalar(&mut context.begin(protocol), label::CHALLENGE);
        assert!(!seen.contains(&challenge), "{context:?} collides");
        seen.push(challenge);
    }
}

#[test]
fn names_out_of_bounds_are_refused() {
    assert_eq!(Field::new(""), Err(ContextError::FieldLength));
    assert_eq!(Field::new(&"f".repeat(MAX_FIELD_BYTES + 1)), Err(ContextError::FieldLength));
    assert!(Field::new(&"f".repeat(MAX_FIELD_BYTES)).is_ok());
}

#[test]
fn the_prover_generator_depends_on_witness_and_statement_even_when_the_rng_repeats() {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    let draw = |round: u64, witness: &[u8]| {
        let transcript = context([1; 32], Moment::Round(round), "need").begin(label::RANGE);
        prover_rng(&transcript, &[witness], &mut StdRng::seed_from_u64(1)).next_u64()
    };
    assert_eq!(draw(1, b"a"), draw(1, b"a"));
    assert_ne!(draw(1, b"a"), draw(1, b"b"));
    assert_ne!(draw(1, b"a"), draw(2, b"a"));
}
