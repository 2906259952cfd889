//! The rows of a file in the order that everything else wants: student by student, each by `seq`.

use super::{Builder, Log, LogError};

impl Builder<'_> {
    /// Puts the rows in order, equal ones as in the file, and remembers how the file had them.
    ///
    /// # Errors
    /// [`LogError::Twice`]; more rows than [`Log::of_file`] counts.
    pub(super) fn finish(self) -> Result<Log, LogError> {
        let (path, places, mut log) = (self.path, self.places, self.log);
        let count = u32::try_from(log.rows.len()).map_err(|_| LogError::TooManyRows(path.into()))?;
        let mut order: Vec<u32> = (0..count).collect();
        let student = |at: &u32| places.get(*at as usize).map_or(0, |place| place.0);
        let seq = |at: &u32| log.rows.get(*at as usize).map_or(0, |row| row.seq);
        order.sort_by_key(|at| (student(at), seq(at)));
        for pair in order.windows(2) {
            if let [before, at] = pair
                && student(before) == student(at)
                && let (Some(one), Some(other)) = (log.rows.get(*before as usize), log.rows.get(*at as usize))
                && (one.seq, one.item) == (other.seq, other.item)
            {
                let line = places.get(*at as usize).map_or(0, |place| place.1);
                let name = log.students.get(student(at) as usize).map(|s| s.name.clone()).unwrap_or_default();
                return Err(LogError::Twice { path: path.into(), line, student: name, seq: other.seq });
            }
        }
        let mut of_file = vec![0; order.len()];
        for (to, from) in (0..count).zip(&order) {
            if let Some(place) = of_file.get_mut(*from as usize) {
                *place = to;
            }
            if let Some(student) = log.students.get_mut(student(from) as usize) {
                let begins = if student.range.1 == 0 { to as usize } else { student.range.0 };
                student.range = (begins, to as usize + 1);
            }
        }
        if !order.is_sorted() {
            log.rows = taken(&log.rows, &order);
            for labels in &mut log.labels {
                labels.of_row = taken(&labels.of_row, &order);
            }
        }
        log.of_file = of_file;
        Ok(log)
    }
}

fn taken<T: Copy>(all: &[T], order: &[u32]) -> Vec<T> {
    order.iter().filter_map(|at| all.get(*at as usize)).copied().collect()
}
