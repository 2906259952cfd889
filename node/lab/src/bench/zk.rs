//! `aula bench zk`: verification of 1,000 proofs of 32 bits, one by one, as one batch, and aggregated by 8.

use std::time::Instant;

use aula_home::Failure;
use aula_zk::{RangeProof, Statement, verify_all, workload};
use rand::rngs::OsRng;
use serde_json::json;

use super::Figures;

/// Single proofs measured.
const PROOFS: u32 = 1_000;
/// Values in an aggregated proof.
const AGGREGATED: u32 = 8;

/// Makes the proofs, then times their verification on this thread.
///
/// # Errors
/// When a proof does not verify, which is a defect.
pub fn run() -> Result<Figures, Failure> {
    let defect =
        || Failure::because("a proof of this program does not verify", "report it: this is a defect");
    let singles = workload::amounts(PROOFS, 1, &mut OsRng).ok_or_else(defect)?;
    let eights = workload::amounts(PROOFS / AGGREGATED, AGGREGATED, &mut OsRng).ok_or_else(defect)?;
    let start = Instant::now();
    for (statement, proof) in &singles {
        statement.verify(proof).map_err(|_| defect())?;
    }
    let single_us = micros(start) / f64::from(PROOFS);
    let start = Instant::now();
    verify(&singles).ok_or_else(defect)?;
    let batch_us_per_proof = micros(start) / f64::from(PROOFS);
    let start = Instant::now();
    verify(&eights).ok_or_else(defect)?;
    let aggregated_us_per_value = micros(start) / f64::from(PROOFS);
    let text = format!(
        "{PROOFS} range proofs of 32 bits, one thread\none by one    {single_us:.0} us a proof\none batch     \
         {batch_us_per_proof:.0} us a proof\nby eights     {aggregated_us_per_value:.0} us a value"
    );
    let json = json!({
        "single_us": single_us, "batch_us_per_proof": batch_us_per_proof,
        "aggregated_us_per_value": aggregated_us_per_value, "proofs": PROOFS,
    });
    Ok(Figures { json, text, within: true })
}

fn verify(pairs: &[(Statement, RangeProof)]) -> Option<()> {
    verify_all(pairs.iter().map(|(statement, proof)| (statement, proof))).ok()
}

fn micros(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e6
}
