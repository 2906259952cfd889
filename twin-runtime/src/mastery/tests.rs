use super::*;
use crate::event::SkillId;
use crate::params::Params;
use proptest::prelude::*;

fn answer(model: &Model, ability: &mut AbilityTrack, track: &mut SkillTrack, right: bool) -> Prediction {
    let skill = model.skill(SkillId(0));
    let pairs = std::iter::once((skill, *track));
    let prediction = predict(model, ability, None, ItemTrack::default(), pairs);
    let correctness = if right { Correctness::Correct } else { Correctness::Incorrect };
    let surprise = Surprise::new(&prediction, correctness, 1);
    surprise.apply_to_ability(&model.tracker, ability);
    surprise.apply_to_skill(&model.tracker, skill, track);
    prediction
}

fn start(model: &Model) -> (AbilityTrack, SkillTrack) {
    (AbilityTrack::prior(&model.tracker), SkillTrack::prior(model, model.skill(SkillId(0))))
}

#[test]
fn right_answers_raise_mastery_and_confidence() {
    let model = Model::unfitted();
    let (mut ability, mut track) = start(&model);
    let before = mastery(&model, &ability, model.skill(SkillId(0)), &track);
    assert_eq!(before.level.e4(), 5_000);
    let mut last = before;
    for _ in 0..20 {
        answer(&model, &mut ability, &mut track, true);
        let now = mastery(&model, &ability, model.skill(SkillId(0)), &track);
        assert!(now.level >= last.level);
        last = now;
    }
    assert!(last.level.e4() > 8_500, "{last:?}");
    assert!(last.confidence > before.confidence);
    assert_eq!((ability.wins, ability.fails, track.wins), (20, 0, 20));
}

#[test]
fn first_answer_moves_the_tracker_by_the_laplace_step() {
    // p = 1/2, so p(1 − p) = 1/4, variance 2, denominator 1.5: mean 0.5/1.5, variance 1 − 0.25/1.5.
    let model = Model::unfitted();
    let (mut ability, mut track) = start(&model);
    answer(&model, &mut ability, &mut track, true);
    assert_eq!(ability.mean.e6(), 333_333);
    assert_eq!(ability.variance.e6(), 1_000_000 - 166_666 + 1_000);
    assert_eq!(track.mean.e6(), 333_333);
}

#[test]
fn contributions_sum_to_the_log_odds() {
    let model = Model::unfitted();
    let (mut ability, mut track) = start(&model);
    for n in 0..30 {
        let prediction = answer(&model, &mut ability, &mut track, n % 3 != 0);
        let sum: i64 = prediction.contributions(&model).map(|(_, x)| x).sum();
        assert_eq!(sum, i64::from(prediction.log_odds.e6()));
    }
}

#[test]
fn an_impossible_answer_teaches_knowledge_tracing_nothing_but_practice() {
    let sure = Knowledge {
        start: Probability::MAX,
        learn: Probability::clamped(100_000),
        guess: Probability::MIN,
        slip: Probability::MIN,
    };
    assert_eq!(learned(&sure, Probability::MAX, Correctness::Incorrect).e6(), 999_000);
    assert_eq!(learned(&sure, Probability::MIN, Correctness::Correct).e6(), 100_000);
}

#[test]
fn a_test_score_moves_both_tracks_by_their_share() {
    let model = Model::unfitted();
    let (mut ability, mut track) = start(&model);
    let noise = Params::reference(Model::unfitted()).assessment_noise;
    assess(&model.tracker, &mut ability, &mut track, 1_000_000, noise);
    // One deviation is √2 of the joint prior; each track takes 1/(1 + 1 + 0.25) of it.
    assert_eq!((ability.mean.e6(), track.mean.e6()), (628_539, 628_539));
    assert_eq!(ability.variance.e6(), 555_556);
}

fn any_model() -> impl Strategy<Value = Model> {
    let logits = || (i32::from(i16::MIN) * 900..32_000_000).prop_map(|x| Logit::clamped(i64::from(x)));
    (
        proptest::collection::vec(logits(), 26),
        proptest::collection::vec(0_i64..=1_000_000, 8),
        0_i64..200_000_000,
    )
        .prop_map(|(x, p, v)| {
            let mut model = Model::unfitted();
            for (weight, x) in model.weights.iter_mut().zip(&x) {
                *weight = *x;
            }
            let item = |at: usize| ItemParams { difficulty: x[at], offset: x[at + 1], slope: x[at + 2] };
            model.unseen_skill = SkillParams {
                bias: x[14],
                win_slope: x[15],
                fail_slope: x[16],
                unseen_item: item(17),
                median_item: item(20),
                knowledge: Knowledge {
                    start: Probability::clamped(p[0]),
                    learn: Probability::clamped(p[1]),
                    guess: Probability::clamped(p[2]),
                    slip: Probability::clamped(p[3]),
                },
            };
            model.tracker = TrackerParams {
                ability_variance: Variance::clamped(v),
                skill_variance: Variance::clamped(v / 3),
                ability_drift: Variance::clamped(v / 5),
                skill_drift: Variance::clamped(v),
                fast_rate: Residual::clamped(2 * p[4] - 1_000_000),
                slow_rate: Residual::clamped(p[5]),
            };
            model.bias = x[23];
            model
        })
}

proptest! {
    #[test]
    fn no_model_in_range_can_overflow(model in any_model(), answers in proptest::collection::vec(any::<bool>(), 1..60), z in any::<i64>()) {
        let (mut ability, mut track) = start(&model);
        for right in answers {
            answer(&model, &mut ability, &mut track, right);
            assess(&model.tracker, &mut ability, &mut track, z, Variance::clamped(z % 1_000));
            let level = mastery(&model, &ability, model.skill(SkillId(0)), &track).level;
            prop_assert!(level <= Proportion::MAX);
        }
        prop_assert!(ability.variance <= model.tracker.ability_variance);
    }
}
