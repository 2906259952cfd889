//! What no reader may trip over: files cut anywhere, bytes that are no text, numbers beyond any school, names that point at
//! themselves, entities that grow. Each is read or refused with a place; none panics, and none takes long.

use std::collections::BTreeMap;

use crate::budget::Budget;
use crate::readers::{ALL, BUILDING, CTT, Reader, chosen};
use crate::{check, energy, xhstt};

/// Every reader, with a file that it takes.
fn readers() -> Vec<(&'static str, Reader, Vec<u8>)> {
    let files: BTreeMap<&str, Vec<u8>> = files().into_iter().collect();
    let with = |(name, reader): &(&'static str, Reader)| (*name, *reader, files[name].clone());
    ALL.iter().map(with).collect()
}

/// A file for each.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let hours = |line: &str| {
        (0..24 * 9).map(|hour| line.replace('@', &format!("{:02}", hour % 24))).collect::<String>()
    };
    let meter = format!("datetime,kWh\n{}", hours("2016-01-02 @:00:00,4.5\n"));
    let outside = format!("datetime,air_temperature [degC]\n{}", hours("2016-01-02 @:00:00,4.5\n"));
    vec![
        ("ctt", CTT.to_vec()),
        ("ctt timetable", b"a R 0 0\nb R 0 1\n".to_vec()),
        ("xhstt", XML.to_vec()),
        ("xhstt in long sets", XML.to_vec()),
        ("xhstt timetables", XML.to_vec()),
        ("building", BUILDING.to_vec()),
        ("inputs", b"t_out_c,internal_gains_w,solar_gains_w\n1.5,100,20\n-3,0,0\n".to_vec()),
        ("use", b"zone,day,start,end,people\n0,mon,08:00,09:30,25\n0,6,00:00,24:00,1\n".to_vec()),
        ("weather", epw()),
        ("estate", ESTATE.to_vec()),
        ("lessons", b"day,period,room,teacher,length\nmon,1,R,t,2\n2026-02-28,2,R,u,1\n".to_vec()),
        ("lessons of lines", b"a R 0 0\nb R 0 1\n".to_vec()),
        ("calendar", ICAL.to_vec()),
        ("rooms", b"room,capacity,building,site,school\nA1,30,A,s,61\n".to_vec()),
        ("change", b"close=A1@mon,3".to_vec()),
        ("loads", b"hour,now_w,then1_w\n0,1.5,2\n1,-3,0\n".to_vec()),
        ("baselines", b"resource,students,amount,factor a\nunits,25,1,1.05\n".to_vec()),
        ("needs", b"period,point,low,high,series\n2027,26.5,20,31,s\n".to_vec()),
        ("figures", br#"{"students":9,"systems":[{"name":"a","lines":[{"name":"x","amount":5,"per":"unit","students_per_unit":4}]}]}"#.to_vec()),
        ("pools", br#"{"pools":[{"pool":1,"class":7,"school":61,"kind":0,"capacity":5,"unit_cost_cents":300}]}"#.to_vec()),
        ("round", br#"{"class":7,"decision":{"prices":[{"pool":1,"price":-900,"used":5}]}}"#.to_vec()),
        ("meter", meter.into_bytes()),
        ("meter's weather", outside.into_bytes()),
        ("history", b"period,value\n2015,100\n2016,104\n2017,99\n".to_vec()),
        ("events", b"a,failure\n1,0\n2,1\n3,0\n".to_vec()),
        ("enrolments", b"course,late,opted_out\nx,1,0\ny,2,1\nx,3,\n".to_vec()),
        ("sections", b"course,subject,size,hours,least,stay\nalgebra,maths,25,5,10,0.9\n".to_vec()),
        ("staff", b"subject,teachers,hours\nmaths,1.5,20\n".to_vec()),
        ("who stays", b"row,course,opted_out,p_trees_ppm\n1,x,,20000\n".to_vec()),
        (
            "pools of figures",
            br#"{"pools":[{"pool":1,"class":1,"school":61,"kind":0,"capacity":5,"unit_cost_cents":300}]}"#.to_vec(),
        ),
        ("teachers", b"period,point,low,high,series\n2027,26.5,20,31,algebra\n".to_vec()),
    ]
}

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
        // A timetable of no lines is one without lessons.
        let of_lines = ["ctt timetable", "lessons of lines"].contains(&name);
        for bytes in
            [b"".as_slice(), b"\xff\xfe\x00", b"\xef\xbb\xbf", b"\0\0\0\0", b"\n\n\n", b"{", b"[]", b"<a>"]
        {
            assert!(read(bytes).is_err() || of_lines, "{name} {bytes:?}");
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
    let instance = xhstt::read_as::<u128>(text.as_bytes()).unwrap();
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

/// Each of these constraints fits, and all of them together do not.
#[test]
fn what_adds_up_is_refused_as_what_multiplies() {
    let text = String::from_utf8(XML.into()).unwrap();
    let slots = "<Resource><Role>r</Role><ResourceType Reference=\"T\"/></Resource>".repeat(1_000);
    let text = text.replace(
        "<Resource Reference=\"t\"/></Resources>\n<EventGroups>",
        &format!("{slots}</Resources>\n<EventGroups>"),
    );
    let resources: String = (0..3_900)
        .map(|n| format!("<Resource Id=\"r{n}\"><ResourceType Reference=\"U\"/></Resource>"))
        .collect();
    let text = text.replace("</ResourceTypes>", "<ResourceType Id=\"U\"/></ResourceTypes>");
    let text = text.replace("</Resources><Events>", &format!("{resources}</Resources><Events>"));
    let preferred: String = (0..3_900).map(|n| format!("<Resource Reference=\"r{n}\"/>")).collect();
    let constraint = format!(
        "<PreferResourcesConstraint Id=\"3\"><Required>true</Required><AppliesTo><Events><Event Reference=\"x\"/></Events></AppliesTo>\
         <Resources>{preferred}</Resources><Role>r</Role></PreferResourcesConstraint>"
    );
    let with =
        |count: usize| text.replace("</Constraints>", &format!("{}</Constraints>", constraint.repeat(count)));
    assert!(xhstt::read(with(4).as_bytes()).is_ok());
    let refused = xhstt::read(with(5).as_bytes()).unwrap_err().to_string();
    assert!(refused.contains("more places than"), "{refused}");
}

/// An event that asks for the same resource again and again is counted, and one that asks for too many is refused.
#[test]
fn a_resource_that_is_asked_for_without_end_is_counted_or_refused() {
    let asks = |times: usize, duration: &str| {
        let text = String::from_utf8(XML.into()).unwrap();
        let slots = "<Resource Reference=\"t\"/>".repeat(times);
        let text = text.replace(
            "<Resource Reference=\"t\"/></Resources>\n<EventGroups>",
            &format!("{slots}</Resources>\n<EventGroups>"),
        );
        text.replace("<Duration>2<", &format!("<Duration>{duration}<"))
    };
    let instance = xhstt::read_as::<u128>(asks(70_000, "2").as_bytes()).unwrap();
    let sub = xhstt::Sub { duration: 2, time: 0, resources: vec![0; 70_000] };
    // Busy at two times where four are wanted: 9 × 2².
    assert_eq!(xhstt::cost::evaluate(&instance, &[vec![sub]]), (0, 36));
    let refused = xhstt::read(asks(20_001, "1000").as_bytes()).unwrap_err().to_string();
    assert!(refused.contains("asks for more resources than the 20000000"), "{refused}");
}

/// Each reader is begun with a file that is meant for it: a seed of its name, whose first byte chooses it.
#[test]
fn every_reader_has_a_seed_that_chooses_it() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/school");
    for (name, _) in ALL {
        let seed = std::fs::read(folder.join(name.replace("'s", "").replace(' ', "-"))).unwrap_or_default();
        let reader = seed.first().and_then(|first| chosen(*first)).map(|(name, _)| name);
        assert_eq!(reader, Some(*name));
    }
}

/// What takes bytes and may refuse them is read by those that ask for it here, so that no reader is left out of fuzzing.
#[test]
fn every_function_that_reads_bytes_is_among_the_readers() {
    fn sources(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => sources(&entry, found),
                false => found.push(entry),
            }
        }
    }
    let mut files = Vec::new();
    sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let all = include_str!("readers.rs");
    let mut seen = 0;
    for file in files.iter().filter(|file| !file.ends_with("readers.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        for (at, _) in text.match_indices("pub fn ") {
            let head = &text[at + 7..];
            let head = &head[..head.find('{').unwrap_or(head.len())];
            if head.contains(": &[u8]") && head.contains("Unreadable>") {
                let name = &head[..head.find(['(', '<']).unwrap()];
                seen += 1;
                // What a line or a field is read by is part of a reader, and of none by itself.
                let part = ["number", "lines"].contains(&name) || file.ends_with("xml.rs");
                // By its file's name or its folder's: many are called `read`.
                let module = [file.as_path(), file.parent().unwrap()]
                    .map(|path| format!("{}::", path.file_stem().unwrap().display()));
                let calls = [format!("{name}("), format!("{name}::<")];
                let asked = all.lines().any(|line| {
                    module.iter().any(|module| line.contains(module.as_str()))
                        && calls.iter().any(|call| line.contains(call.as_str()))
                });
                assert!(part || asked, "{name} of {}", file.display());
            }
        }
    }
    assert!(seen > 20, "{seen}");
}
