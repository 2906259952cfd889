//! The context: each part of it changes every challenge.

use super::*;

fn context(chain_id: &str, moment: Moment, field: &str) -> Context {
    Context::new(chain_id, moment, Field::new(field).unwrap()).unwrap()
}

#[test]
fn each_part_of_the_context_changes_the_challenge() {
    let variants = [
        (label::RANGE, context("star-0a1b2c3d", Moment::Round(7), "need")),
        (label::SUM, context("star-0a1b2c3d", Moment::Round(7), "need")),
        (label::RANGE, context("star-0a1b2c3e", Moment::Round(7), "need")),
        (label::RANGE, context("star-0a1b2c3d", Moment::Round(8), "need")),
        (label::RANGE, context("star-0a1b2c3d", Moment::Height(7), "need")),
        (label::RANGE, context("star-0a1b2c3d", Moment::Round(7), "engagement")),
        // The border between two strings cannot be moved.
        (label::RANGE, context("star-0a1b2c3", Moment::Round(7), "dneed")),
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
    let field = Field::new(&"f".repeat(MAX_FIELD_BYTES)).unwrap();
    assert_eq!(Context::new("", Moment::Height(1), field.clone()), Err(ContextError::ChainIdLength));
    let long = "c".repeat(MAX_CHAIN_ID_BYTES + 1);
    assert_eq!(Context::new(&long, Moment::Height(1), field), Err(ContextError::ChainIdLength));
}

#[test]
fn the_prover_generator_depends_on_witness_and_statement_even_when_the_rng_repeats() {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    let draw = |round: u64, witness: &[u8]| {
        let transcript = context("star-0a1b2c3d", Moment::Round(round), "need").begin(label::RANGE);
        prover_rng(&transcript, &[witness], &mut StdRng::seed_from_u64(1)).next_u64()
    };
    assert_eq!(draw(1, b"a"), draw(1, b"a"));
    assert_ne!(draw(1, b"a"), draw(1, b"b"));
    assert_ne!(draw(1, b"a"), draw(2, b"a"));
}
