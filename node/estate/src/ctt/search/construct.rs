//! The first timetable: the hardest lectures first, each when it clashes least, in the free room that fits best.

use super::state::{NOTHING, State};

/// Fills an empty state, some lectures in cells that are theirs. Lectures beyond the number of cells stay out.
pub fn construct(state: &mut State<'_>, placed: &[(u32, u32)]) {
    let t = state.tables;
    placed.iter().for_each(|(lecture, cell)| state.put(*lecture, *cell));
    let waits = |lecture: &u32| state.cell_of[*lecture as usize] == NOTHING;
    let mut order: Vec<u32> = (0..t.course_of.len() as u32).filter(waits).collect();
    let course = |lecture: u32| t.course_of[lecture as usize] as usize;
    let freedom = |lecture: u32| {
        let course = course(lecture);
        let options = t.available.of(course).len() * t.fitting.of(course).len();
        (options * 64 / (1 + t.neighbours.of(course).len()), lecture)
    };
    order.sort_by_key(|lecture| freedom(*lecture));
    let mut free = vec![t.rooms; t.periods];
    placed.iter().for_each(|(_, cell)| free[*cell as usize / t.rooms] -= 1);
    for lecture in order {
        let course = course(lecture);
        // The period before the room, so that a large week is filled in no more steps than it has periods and rooms.
        let open = (0..t.periods).filter(|period| free[*period] > 0);
        let best = open.min_by_key(|period| (state.clashes(course, *period), t.rooms - free[*period]));
        let Some(period) = best else { return };
        let cells = (period * t.rooms..(period + 1) * t.rooms).filter(|cell| state.at[*cell] == NOTHING);
        if let Some(cell) = cells.min_by_key(|cell| t.seats_short[course * t.rooms + cell % t.rooms]) {
            free[period] -= 1;
            state.put(lecture, cell as u32);
        }
    }
}
