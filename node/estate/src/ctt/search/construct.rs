//! The first timetable: the hardest lectures first, each where it clashes least and fits best.

use super::state::{NOTHING, State};

/// Fills an empty state. Lectures beyond the number of cells stay out.
pub fn construct(state: &mut State<'_>) {
    let t = state.tables;
    let mut order: Vec<u32> = (0..t.course_of.len() as u32).collect();
    let course = |lecture: u32| t.course_of[lecture as usize] as usize;
    let freedom = |lecture: u32| {
        let course = course(lecture);
        let options = t.available.of(course).len() * t.fitting.of(course).len();
        (options * 64 / (1 + t.neighbours.of(course).len()), lecture)
    };
    order.sort_by_key(|lecture| freedom(*lecture));
    for lecture in order {
        let course = course(lecture);
        let cells = (0..state.at.len() as u32).filter(|cell| state.at[*cell as usize] == NOTHING);
        let price = |cell: u32| {
            let (period, room) = state.split(cell);
            (state.clashes(course, period), t.seats_short[course * t.rooms + room], cell)
        };
        if let Some(cell) = cells.min_by_key(|cell| price(*cell)) {
            state.put(lecture, cell);
        }
    }
}
