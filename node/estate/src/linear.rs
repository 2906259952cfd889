//! Small systems of linear equations.

/// Solves a square system whose rows end in their right side, by elimination with the largest pivot. What is not
/// determined is 0.
#[must_use]
pub fn solve(mut system: Vec<Vec<f64>>) -> Vec<f64> {
    let size = system.len();
    for column in 0..size {
        let largest = (column..size)
            .max_by(|a, b| system[*a][column].abs().total_cmp(&system[*b][column].abs()))
            .unwrap_or(column);
        system.swap(column, largest);
        let pivot = system[column][column];
        if pivot.abs() < 1e-12 {
            continue;
        }
        let upper = system[column].clone();
        for (index, row) in system.iter_mut().enumerate() {
            if index != column && row[column] != 0.0 {
                let factor = row[column] / pivot;
                row.iter_mut().zip(&upper).for_each(|(cell, above)| *cell -= factor * above);
            }
        }
    }
    (0..size)
        .map(|index| {
            if system[index][index].abs() < 1e-12 { 0.0 } else { system[index][size] / system[index][index] }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_system_is_solved() {
        let solution = super::solve(vec![
            vec![0.0, 2.0, 1.0, 7.0],
            vec![1.0, 1.0, 1.0, 6.0],
            vec![2.0, 0.0, -1.0, -1.0],
        ]);
        assert!(solution.iter().zip([1.0, 2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-9), "{solution:?}");
    }
}
