//! Every reader of the crate by a name, each as whoever hands a file to `aula estate` meets it: refused with a place, or read and
//! looked at. Tests of hostile files and the fuzz target take them from here, so that none is left out.

use crate::energy::{self, schedule, weather};
use crate::text::Unreadable;
use crate::{
    capacity, check, costs, ctt, failures, fit, forecast, ledger_pools, needs, optout, page, staffing, table,
    whatif, xhstt,
};

/// Reads bytes.
pub type Reader = fn(&[u8]) -> Result<(), Unreadable>;

/// All of them.
pub const ALL: &[(&str, Reader)] = &[
    ("ctt", |bytes| ctt::read(bytes).map(drop)),
    ("ctt timetable", ctt_timetable),
    ("xhstt", |bytes| xhstt::read(bytes).map(drop)),
    ("xhstt timetables", |bytes| xhstt::read_solutions(bytes).map(drop)),
    ("building", |bytes| energy::read_building(bytes).map(drop)),
    ("inputs", |bytes| energy::read_inputs(bytes, &energy::read_building(BUILDING)?).map(drop)),
    ("use", |bytes| schedule::Schedule::read(bytes, &["0"]).map(drop)),
    ("weather", |bytes| weather::read_epw(bytes).map(drop)),
    ("estate", |bytes| check::estate::read_estate(bytes).map(drop)),
    ("lessons", |bytes| looked_at(&check::table::read_csv(bytes)?)),
    ("lessons of lines", |bytes| looked_at(&check::schedule::of_lines(bytes)?)),
    ("calendar", |bytes| looked_at(&check::ical::read_ical(bytes)?)),
    ("rooms", |bytes| check::rooms::of_csv(bytes).map(drop)),
    ("change", changed),
    ("loads", |bytes| page::read_curves(bytes).map(drop)),
    ("baselines", |bytes| needs::read_baselines(bytes).map(drop)),
    ("needs", |bytes| needs::needs(bytes, &needs::read_baselines(needs::BASELINES.as_bytes())?).map(drop)),
    ("figures", |bytes| costs::read_figures(bytes).map(|figures| drop(costs::totals(&figures)))),
    ("pools", |bytes| priced(bytes, br#"{"class":7,"decision":{"prices":[]}}"#)),
    ("round", |bytes| priced(br#"{"pools":[]}"#, bytes)),
    ("meter", |bytes| fit::read_meter(bytes).map(drop)),
    ("meter's weather", |bytes| fit::read_weather(bytes).map(drop)),
    ("history", |bytes| forecast::read_history(bytes).map(drop)),
    ("events", |bytes| failures::read_rows(bytes).map(drop)),
    ("enrolments", |bytes| optout::read_enrolments(bytes, &[]).map(drop)),
    ("sections", |bytes| staffing::read_sections(bytes).map(drop)),
    ("staff", |bytes| staffing::read_staff(bytes).map(drop)),
    ("who stays", |bytes| staffing::read_stays(bytes).map(drop)),
    ("teachers", teachers),
    ("xhstt in long sets", |bytes| xhstt::read_as::<xhstt::times::Long>(bytes).map(drop)),
    ("pools of figures", |bytes| costs::read_figures(costs::TEMPLATE.as_bytes())?.enter_pools(bytes)),
];

/// The reader that a fuzzer's first byte chooses, from `A` on in their order.
#[must_use]
pub fn chosen(first: u8) -> Option<(&'static str, Reader)> {
    ALL.get(usize::from(first.checked_sub(b'A')?)).copied()
}

/// A small instance, for timetables of it.
pub const CTT: &[u8] = b"Name: T\nCourses: 2\nRooms: 1\nDays: 2\nPeriods_per_day: 2\nCurricula: 1\nConstraints: 1\n\nCOURSES:\n\
a t 1 1 20\nb u 1 1 10\n\nROOMS:\nR 30\n\nCURRICULA:\nq 2 a b\n\nUNAVAILABILITY_CONSTRAINTS:\na 1 1\n\nEND.\n";
/// A building of one zone, for hours of it.
pub const BUILDING: &[u8] = br#"{"params":{"window_area":4.0,"walls_area":11.0,"floor_area":35.0,"room_vol":105,
 "total_internal_area":142.0,"u_walls":0.2,"u_windows":1.1,"ach_vent":1.5,"ach_infl":0.5,"ventilation_efficiency":0.6,
 "thermal_capacitance_per_floor_area":165000,"t_set_heating":20.0,"t_set_cooling":26.0}}"#;
const ESTATE: &[u8] = br#"{"sites":[{"id":"s"}],"buildings":[{"id":"A","site":"s"}],"rooms":[{"id":"R","building":"A",
 "capacity":1,"kwh_per_hour":1.2}],"closures":[{"room":"R","day":"mon","period":1}],"energy_budget_kwh_per_day":1}"#;

fn ctt_timetable(bytes: &[u8]) -> Result<(), Unreadable> {
    let instance = ctt::read(CTT)?;
    let lessons = ctt::read_solution(&instance, bytes)?;
    ctt::read_solution(&instance, &ctt::write_solution(&instance, &lessons)).map(drop)
}

/// Conflicts are found in whatever is a schedule, and a page is made of it.
fn looked_at(lessons: &check::schedule::Schedule) -> Result<(), Unreadable> {
    let estate = check::estate::read_estate(ESTATE)?;
    let conflicts = check::find(lessons, Some(&estate));
    let content =
        page::Content { title: "t", today: Some(lessons), conflicts: &conflicts, ..page::Content::default() };
    match page::page(&content).ends_with("</html>\n") {
        true => Ok(()),
        false => Err(Unreadable::at("page", "it is cut")),
    }
}

fn changed(bytes: &[u8]) -> Result<(), Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| Unreadable::at("change", error))?;
    whatif::Change::parse(text).map(drop)
}

fn priced(pools: &[u8], round: &[u8]) -> Result<(), Unreadable> {
    ledger_pools::read_pools(pools)?;
    capacity::propose(pools, round).map(drop)
}

fn teachers(bytes: &[u8]) -> Result<(), Unreadable> {
    let sections = staffing::read_sections(b"course,subject,size,hours\nalgebra,maths,25,5\n")?;
    let staff = staffing::read_staff(b"subject,teachers,hours\nmaths,1.5,20\n")?;
    let needs = staffing::needs(bytes, &sections, &staff, &Default::default())?;
    // What is written is a table again.
    table::Table::read(staffing::to_csv(&needs.staff).as_bytes()).map(drop)
}
