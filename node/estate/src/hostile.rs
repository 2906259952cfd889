//! What no reader may trip over: files cut anywhere, bytes that are no text, numbers beyond any school, names that point at
//! themselves, entities that grow. Each is read or refused with a place; none panics, and none takes long.

use crate::budget::Budget;
use crate::energy::schedule::Schedule;
use crate::text::Unreadable;
use crate::{
    capacity, check, costs, ctt, energy, failures, fit, forecast, needs, optout, page, staffing, xhstt,
};

type Reader = fn(&[u8]) -> Result<(), Unreadable>;

/// Every reader, with a file that it takes.
fn readers() -> Vec<(&'static str, Reader, Vec<u8>)> {
    let hours = |line: &str| {
        (0..24 * 9).map(|hour| line.replace('@', &format!("{:02}", hour % 24))).collect::<String>()
    };
    vec![
        ("ctt", |b| ctt::read(b).map(drop), CTT.into()),
        (
            "ctt timetable",
            |b| ctt::read_solution(&ctt::read(CTT)?, b).map(drop),
            b"a R 0 0\nb R 0 1\n".to_vec(),
        ),
        ("xhstt", |b| xhstt::read(b).map(drop), XML.into()),
        ("xhstt timetables", |b| xhstt::read_solutions(b).map(drop), XML.into()),
        ("building", |b| energy::read_building(b).map(drop), BUILDING.into()),
        (
            "inputs",
            |b| energy::read_inputs(b, &energy::read_building(BUILDING)?).map(drop),
            b"t_out_c,internal_gains_w,solar_gains_w\n1.5,100,20\n-3,0,0\n".to_vec(),
        ),
        (
            "use",
            |b| Schedule::read(b, &["0"]).map(drop),
            b"zone,day,start,end,people\n0,mon,08:00,09:30,25\n0,6,00:00,24:00,1\n".to_vec(),
        ),
        ("weather", |b| energy::weather::read_epw(b).map(drop), epw()),
        ("estate", |b| check::estate::read_estate(b).map(drop), ESTATE.into()),
        (
            "lessons",
            |b| check::table::read_csv(b).map(drop),
            b"day,period,room,teacher\nmon,1,R,t\n2026-02-28,2,R,u\n".to_vec(),
        ),
        (
            "lessons on a page",
            |b| {
                let today = check::table::read_csv(b)?;
                let content = page::Content { title: "t", today: Some(&today), ..page::Content::default() };
                assert!(page::page(&content).ends_with("</html>\n"));
                Ok(())
            },
            b"day,period,room,teacher,length\nmon,1,R,t,2\n2026-02-28,2,R,u,1\n".to_vec(),
        ),
        ("loads", |b| page::read_curves(b).map(drop), b"hour,now_w,then1_w\n0,1.5,2\n1,-3,0\n".to_vec()),
        (
            "baselines",
            |b| needs::read_baselines(b).map(drop),
            b"resource,students,amount,factor a\nunits,25,1,1.05\n".to_vec(),
        ),
        (
            "needs",
            |b| needs::needs(b, &needs::read_baselines(needs::BASELINES.as_bytes())?).map(drop),
            b"period,point,low,high,series\n2027,26.5,20,31,s\n".to_vec(),
        ),
        (
            "figures",
            |b| costs::read_figures(b).map(|figures| drop(costs::totals(&figures))),
            br#"{"students":9,"systems":[{"name":"a","lines":[{"name":"x","amount":5,"per":"unit","students_per_unit":4}]}]}"#.to_vec(),
        ),
        ("pools", |b| capacity::propose(b, ROUND).map(drop), POOLS.into()),
        ("round", |b| capacity::propose(POOLS, b).map(drop), ROUND.into()),
        ("calendar", |b| check::ical::read_ical(b).map(drop), ICAL.into()),
        (
            "meter",
            |b| fit::read_meter(b).map(drop),
            format!("datetime,kWh\n{}", hours("2016-01-02 @:00:00,4.5\n")).into_bytes(),
        ),
        (
            "meter's weather",
            |b| fit::read_weather(b).map(drop),
            format!("datetime,air_temperature [degC]\n{}", hours("2016-01-02 @:00:00,4.5\n")).into_bytes(),
        ),
        (
            "history",
            |b| forecast::read_history(b).map(drop),
            b"period,value\n2015,100\n2016,104\n2017,99\n".to_vec(),
        ),
        ("events", |b| failures::read_rows(b).map(drop), b"a,failure\n1,0\n2,1\n3,0\n".to_vec()),
        (
            "enrolments",
            |b| optout::read_enrolments(b, &[]).map(drop),
            b"course,late,opted_out\nx,1,0\ny,2,1\nx,3,\n".to_vec(),
        ),
        (
            "sections",
            |b| staffing::read_sections(b).map(drop),
            b"course,subject,size,hours,least,stay\nalgebra,maths,25,5,10,0.9\n".to_vec(),
        ),
        ("staff", |b| staffing::read_staff(b).map(drop), b"subject,teachers,hours\nmaths,1.5,20\n".to_vec()),
        (
            "who stays",
            |b| staffing::read_stays(b).map(drop),
            b"row,course,opted_out,p_trees_ppm\n1,x,,20000\n".to_vec(),
        ),
        (
            "rooms",
            |b| check::rooms::of_csv(b).map(drop),
            b"room,capacity,building,site,school\nA1,30,A,s,61\n".to_vec(),
        ),
    ]
}

const CTT: &[u8] = b"Name: T\nCourses: 2\nRooms: 1\nDays: 2\nPeriods_per_day: 2\nCurricula: 1\nConstraints: 1\n\nCOURSES:\n\
a t 1 1 20\nb u 1 1 10\n\nROOMS:\nR 30\n\nCURRICULA:\nq 2 a b\n\nUNAVAILABILITY_CONSTRAINTS:\na 1 1\n\nEND.\n";
const POOLS: &[u8] =
    br#"{"pools":[{"pool":1,"class":7,"school":61,"kind":0,"capacity":5,"unit_cost_cents":300}]}"#;
const ROUND: &[u8] = br#"{"class":7,"decision":{"prices":[{"pool":1,"price":-900,"used":5}]}}"#;
const BUILDING: &[u8] = br#"{"params":{"window_area":4.0,"walls_area":11.0,"floor_area":35.0,"room_vol":105,
 "total_internal_area":142.0,"u_walls":0.2,"u_windows":1.1,"ach_vent":1.5,"ach_infl":0.5,"ventilation_efficiency":0.6,
 "thermal_capacitance_per_floor_area":165000,"t_set_heating":20.0,"t_set_cooling":26.0}}"#;
const ESTATE: &[u8] = br#"{"sites":[{"id":"s"}],"buildings":[{"id":"A","site":"s"}],"rooms":[{"id":"A1","building":"A",
 "capacity":30,"kwh_per_hour":1.2}],"closures":[{"room":"A1","day":"mon","period":3}],"energy_budget_kwh_per_day":240}"#;
const ICAL: &[u8] =
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Maths\r\nLOCATION:R\r\nDTSTART:20260105T080000\r\n\
DTEND:20260105T090000\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const XML: &[u8] = br#"<HighSchoolTimetableArchive><Instances><Instance Id="s"><Times><TimeGroups><Day Id="a"/></TimeGroups>
<Time Id="1"><Day Reference="a"/></Time><Time Id="2"><Day Reference="a"/></Time></Times><Resources><ResourceTypes>
<ResourceType Id="T"/></ResourceTypes><Resource Id="t"><ResourceType Reference="T"/></Resource></Resources><Events><EventGroups>
<EventGroup Id="E"/></EventGroups><Event Id="x"><Duration>2</Duration><Resources><Resource Reference="t"/></Resources>
<EventGroups><EventGroup Reference="E"/></EventGroups></Event></Events><Constraints><LinkEventsConstraint Id="1">
<Required>true</Required><Weight>1</Weight><CostFunction>Quadratic</CostFunction><AppliesTo><EventGroups>
<EventGroup Reference="E"/></EventGroups></AppliesTo></LinkEventsConstraint><LimitBusyTimesConstraint Id="2">
<Required>false</Required><Weight>9</Weight><CostFunction>Quadratic</CostFunction><AppliesTo><Resources>
<Resource Reference="t"/></Resources></AppliesTo><TimeGroups><TimeGroup Reference="a"/></TimeGroups><Minimum>4</Minimum>
<Maximum>5</Maximum></LimitBusyTimesConstraint></Constraints></Instance></Instances></HighSchoolTimetableArchive>"#;

fn epw() -> Vec<u8> {
    let mut text = String::from(
        "LOCATION,X,,,,,47.4,8.5,1.0,400\n1\n2\n3\n4\n5\n6\nDATA PERIODS,1,1,Data,Sunday,1/1,12/31\n",
    );
    let line = "2001,1,1,1,0,?,-3.5,0,80,96000,0,0,300,100,200,50\n";
    (0..8760).for_each(|_| text.push_str(line));
    text.into_bytes()
}

#[test]
fn every_reader_takes_its_file_and_refuses_it_cut_or_broken_without_tripping() {
    for (name, read, good) in readers() {
        assert_eq!(read(&good), Ok(()), "{name}");
        let step = if good.len() < 4_000 { (good.len() / 400).max(1) } else { good.len() / 12 };
        for cut in (0..good.len()).step_by(step) {
            let _ = read(&good[..cut]);
            let mut broken = good.clone();
            for byte in [0u8, 0xff, b'9', b'<', b'"', b',', b'-', b'\n'] {
                broken[cut] = byte;
                if good.len() < 4_000 {
                    let _ = read(&broken);
                }
            }
        }
        for bytes in
            [b"".as_slice(), b"\xff\xfe\x00", b"\xef\xbb\xbf", b"\0\0\0\0", b"\n\n\n", b"{", b"[]", b"<a>"]
        {
            assert!(read(bytes).is_err() || name == "ctt timetable", "{name} {bytes:?}");
        }
    }
}

#[test]
fn numbers_beyond_any_school_are_refused_or_bounded() {
    for (name, read, good) in readers() {
        let text = String::from_utf8(good).unwrap();
        for huge in
            ["99999999999999999999999999", "-1", "1e400", "nan", "4294967296", "18446744073709551616", "0"]
        {
            // Each number of the file in turn; what does not panic and comes back is enough here.
            let most = if text.len() < 4_000 { 120 } else { 6 };
            let digits = text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at);
            let digits: Vec<usize> = digits.take(most).collect();
            for at in digits {
                let _ = (read(format!("{}{huge}{}", &text[..at], &text[at + 1..]).as_bytes()), name);
            }
        }
    }
}

#[test]
fn costs_without_measure_stay_sums() {
    let text = String::from_utf8(XML.into()).unwrap();
    let text = text.replace("<Weight>9<", "<Weight>999999<").replace("<Minimum>4<", "<Minimum>1000000<");
    let instance = xhstt::read(text.as_bytes()).unwrap();
    let mut never = || false;
    let found = xhstt::search::search(
        &instance,
        Default::default(),
        &mut Budget { iterations: 300, expired: &mut never },
    );
    let cost = xhstt::cost::evaluate(&instance, &found.subs);
    assert_eq!((cost.0, cost.1 > 1_000_000_000), (0, true));
}

#[test]
fn entities_that_grow_and_elements_without_end_are_refused() {
    let laughs = b"<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><HighSchoolTimetableArchive>&b;</HighSchoolTimetableArchive>";
    let outside = b"<!DOCTYPE l SYSTEM \"file:///etc/hostname\"><HighSchoolTimetableArchive/>";
    let unknown = b"<HighSchoolTimetableArchive>&nope;</HighSchoolTimetableArchive>";
    for bytes in [laughs.as_slice(), outside, unknown, "<a>".repeat(100_000).as_bytes()] {
        assert!(xhstt::read(bytes).is_err());
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(
        energy::read_building(deep.as_bytes()).is_err()
            && check::estate::read_estate(deep.as_bytes()).is_err()
    );
}

/// A group of many events linked and spread over many sets of times is more than fits, and is said to be.
#[test]
fn what_multiplies_is_refused_before_it_is_made() {
    let text = String::from_utf8(XML.into()).unwrap();
    let resources: String = (0..3_000)
        .map(|n| format!("<Resource Id=\"r{n}\"><ResourceType Reference=\"T\"/></Resource>"))
        .collect();
    let applies: String = (0..3_000).map(|n| format!("<Resource Reference=\"r{n}\"/>")).collect();
    let text = text.replace("</Resources><Events>", &format!("{resources}</Resources><Events>"));
    let sets = "<TimeGroup Reference=\"a\"/>".repeat(3_000);
    let text = text.replace(
        "<Resource Reference=\"t\"/></Resources></AppliesTo>",
        &format!("{applies}</Resources></AppliesTo>"),
    );
    let text = text.replace("<TimeGroups><TimeGroup Reference=\"a\"/>", &format!("<TimeGroups>{sets}"));
    let refused = xhstt::read(text.as_bytes()).unwrap_err().to_string();
    assert!(refused.contains("more places than"), "{refused}");
}
