use super::*;
use proptest::prelude::*;

#[test]
fn out_of_range_is_refused_and_says_so() {
    let err = Proportion::new(10_001).unwrap_err();
    assert_eq!(err.to_string(), "Proportion is 10001, outside 0..=10000");
    assert_eq!(Need::new(2_560).unwrap_err().max, 2_559);
    assert_eq!(Signal::new(-10_001).unwrap_err().min, -10_000);
}

#[test]
fn decoding_goes_through_the_same_check() {
    let bytes = borsh::to_vec(&10_001_u16).unwrap();
    assert!(borsh::from_slice::<Proportion>(&bytes).is_err());
    let bytes = borsh::to_vec(&10_000_u16).unwrap();
    assert_eq!(borsh::from_slice::<Proportion>(&bytes).unwrap(), Proportion::MAX);
}

#[test]
fn band_is_the_score_by_256() {
    for (score, band) in [(0, 0), (255, 0), (256, 1), (2_303, 8), (2_304, 9), (2_559, 9)] {
        assert_eq!(Need::new(score).unwrap().band(), band);
    }
}

#[test]
fn roundings_have_their_names_right() {
    assert_eq!(div_floor(-7, 2), -4);
    assert_eq!(div_floor(7, -2), -4);
    assert_eq!(div_floor(7, 0), 0);
    assert_eq!(div_nearest(7, 2), 4);
    assert_eq!(div_nearest(-7, 2), -4);
    assert_eq!(div_nearest(7, 0), 0);
    assert_eq!(mul_e6(-1_500_000, 1), -1);
    assert_eq!(Probability::new(499_950).unwrap().to_proportion().e4(), 5_000);
}

proptest! {
    #[test]
    fn nearest_is_within_half(n in -1_000_000_000_000_i64..1_000_000_000_000, d in 1_i64..1_000_000) {
        let q = div_nearest(n, d);
        prop_assert!((q * d - n).abs() * 2 <= d);
        prop_assert!(div_floor(n, d) * d <= n && n < (div_floor(n, d) + 1) * d);
    }

    #[test]
    fn smoothing_never_leaves_the_interval(level in 0_i64..=10_000, target in 0_i64..=10_000, rate in 0_u16..=10_000) {
        let next = smooth(level, target, Proportion::new(rate).unwrap());
        prop_assert!(next >= level.min(target) && next <= level.max(target));
    }
}
