//! The twins' parameters in use: what every district folds with and every anchor names by its digest.
//!
//! One place, since an anchored state is proved again only under the parameters that gave it. Absent: how they are agreed
//! on; every member runs the same program, and the digest in the anchor says which they were.

use aula_twin_runtime::event::SkillId;
use aula_twin_runtime::model::Model;
use aula_twin_runtime::params::{KindRule, Params, ScoreScale};

/// Reading, as a skill that tests score.
pub const READING: SkillId = SkillId(0);
/// Mathematics, as a skill that tests score.
pub const MATHEMATICS: SkillId = SkillId(1);
/// Mean and standard deviation of scaled scores, tenths of a point: reading, mathematics, by grade from kindergarten to 3.
/// Those of Project STAR's students (genesis/README.md has the source).
const SCALES_E1: [[(u32, u32); 2]; 4] = [
    [(4_367, 317), (4_854, 477)],
    [(5_208, 552), (5_305, 431)],
    [(5_839, 460), (5_806, 446)],
    [(6_154, 386), (6_180, 398)],
];

/// The reference thresholds, the unfitted model, the score scales of the tests.
pub fn params() -> Params {
    let mut params = Params::reference(Model::unfitted());
    for (subject, skill) in [READING, MATHEMATICS].into_iter().enumerate() {
        for (grade, scales) in (0u8..).zip(SCALES_E1) {
            let (mean_e1, deviation_e1) = scales[subject];
            params.scales.push(ScoreScale { skill, grade, mean_e1, deviation_e1 });
        }
    }
    let subjects = [Some(READING), Some(MATHEMATICS), None, None];
    params.kinds = (0u16..).zip(subjects).map(|(kind, subject)| KindRule { kind, subject }).collect();
    params
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_parameters_keep_their_own_rules() {
        assert_eq!(super::params().check(), Ok(()));
    }
}
