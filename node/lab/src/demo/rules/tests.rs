use std::path::Path;

use super::*;
use crate::demo::star::DataFolder;

fn study() -> (Vec<StudentYear>, Vec<ComputerRatio>) {
    let genesis = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../genesis");
    let folder = DataFolder::find(Some(&genesis)).expect("the repository holds the data");
    (folder.student_years().expect("STAR reads"), folder.computer_ratios().expect("California reads"))
}

fn of_grade(years: &[StudentYear], grade: Grade) -> Vec<StudentYear> {
    years.iter().filter(|year| year.grade == grade).cloned().collect()
}

fn student(read: Option<u16>, math: Option<u16>, lunch: Lunch) -> StudentYear {
    StudentYear {
        student: 1,
        grade: Grade::ALL[2],
        district: DistrictId(1),
        school: SchoolId(1),
        school_type: SchoolType::Rural,
        lunch,
        read,
        math,
    }
}

/// The need that the genesis's rule gives.
fn need(year: &StudentYear) -> i32 {
    let rule = twin_parameters().expect("names").need;
    let terms = rule.inputs.iter().zip(need_inputs(year));
    terms.map(|(input, (_, value))| input.weight * i32::from(value)).sum::<i32>() + rule.constant
}

#[test]
fn need_spans_its_scale_and_never_leaves_it() {
    assert_eq!(twin_parameters().expect("names").check(), Ok(()));
    assert_eq!(need(&student(Some(300), Some(300), Lunch::Free)), 2_425);
    assert_eq!(need(&student(Some(300), Some(300), Lunch::Unknown)), 2_105);
    assert_eq!(need(&student(Some(800), Some(800), Lunch::Paid)), 0);
    let (years, _) = study();
    let mut bands = [0u32; 10];
    years.iter().for_each(|year| bands[usize::try_from(need(year)).expect("no need is below 0") / 256] += 1);
    assert!(bands.iter().all(|&count| count >= 100), "every band is inhabited: {bands:?}");
}

#[test]
fn a_missing_test_takes_the_other_subjects_position_and_missing_both_the_middle() {
    assert_eq!(positions_e4(&student(Some(684), None, Lunch::Paid)), (10_000, 10_000));
    assert_eq!(positions_e4(&student(None, Some(495), Lunch::Paid)), (0, 0));
    assert_eq!(positions_e4(&student(None, None, Lunch::Paid)), (5_000, 5_000));
}

#[test]
fn the_weaker_subject_comes_first_and_every_kind_is_ranked_once() {
    assert_eq!(device_ranking(&student(Some(684), Some(600), Lunch::Paid)), [1, 0, 2, 3]);
    assert_eq!(device_ranking(&student(Some(500), Some(600), Lunch::Paid)), [0, 3, 1, 2]);
    let (years, _) = study();
    for year in &years {
        let mut kinds = device_ranking(year);
        kinds.sort_unstable();
        assert_eq!(kinds, [0, 1, 2, 3]);
    }
}

#[test]
fn grade_two_has_300_device_pools_and_about_930_places_for_6840_students() {
    let (years, ratios) = study();
    let second = of_grade(&years, Grade::ALL[2]);
    let pools = device_pools(&second, &ratios);
    assert_eq!((second.len(), pools.len()), (6_840, 300));
    let places: u32 = pools.iter().map(|pool| pool.capacity).sum();
    assert!((900..960).contains(&places), "{places}");
    assert!(pools.is_sorted_by_key(|pool| (pool.school, pool.kind)));
}

#[test]
fn every_mandate_has_a_place_in_its_own_district_in_every_year() {
    let (years, _) = study();
    for grade in Grade::ALL {
        let students = of_grade(&years, grade);
        let pools = aid_pools(&students);
        let mut free: BTreeMap<DistrictId, u32> = BTreeMap::new();
        pools.iter().for_each(|pool| *free.entry(pool.district).or_default() += pool.capacity);
        for year in students.iter().filter(|year| aid_request(year.student) == AidRequest::Mandated) {
            let places = free.get_mut(&year.district).expect("a mandated student's district hosts a pool");
            *places = places.checked_sub(1).expect("there are places for all mandates of a district");
        }
        assert!(pools.iter().all(|pool| pool.floor <= pool.capacity));
        assert!(pools.iter().any(|pool| pool.floor > 0), "some floor binds in {}", grade.name());
    }
}

#[test]
fn four_in_a_hundred_ask_for_an_aid() {
    let asking = (1..=10_000).filter(|&student| aid_request(student) != AidRequest::None).count();
    assert!((340..460).contains(&asking), "{asking}");
}
