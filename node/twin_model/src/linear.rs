//! Ridge least squares by the normal equations: the textbook baseline for a score, and where the trees start.

/// Weights that minimise Σ (target − row·w)² + ridge Σ w²; the first column is the constant and goes free.
/// Every row has `width` values. `None` when the equations cannot be solved (a column that repeats another,
/// without a ridge).
#[must_use]
pub fn least_squares(rows: &[Vec<f64>], targets: &[f64], ridge: f64) -> Option<Vec<f64>> {
    let width = rows.first()?.len();
    let mut matrix = vec![vec![0.0; width]; width];
    let mut right = vec![0.0; width];
    for (row, target) in rows.iter().zip(targets) {
        for (i, x) in row.iter().enumerate() {
            right[i] += x * target;
            for (j, y) in row.iter().enumerate().take(i + 1) {
                matrix[i][j] += x * y;
            }
        }
    }
    for (i, line) in matrix.iter_mut().enumerate().skip(1) {
        line[i] += ridge;
    }
    solve(matrix, right)
}

/// Cholesky: `matrix` holds the lower triangle of a positive definite matrix.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let width = right.len();
    for i in 0..width {
        for j in 0..=i {
            let products: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - products;
            if i == j {
                // Against the size of the diagonal: what is left of a repeated column is rounding.
                if rest <= 1e-10 * matrix[i][i].abs() {
                    return None;
                }
                matrix[i][i] = rest.sqrt();
            } else {
                matrix[i][j] = rest / matrix[j][j];
            }
        }
        let known: f64 = (0..i).map(|k| matrix[i][k] * right[k]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    for i in (0..width).rev() {
        let known: f64 = (i + 1..width).map(|k| matrix[k][i] * right[k]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    Some(right)
}

/// row·weights.
#[must_use]
pub fn apply(row: &[f64], weights: &[f64]) -> f64 {
    row.iter().zip(weights).map(|(x, w)| x * w).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_law_is_recovered() {
        let rows: Vec<Vec<f64>> = (0..20).map(|n| vec![1.0, f64::from(n), f64::from(n * n % 7)]).collect();
        let targets: Vec<f64> = rows.iter().map(|r| 3.0 - 2.0 * r[1] + 0.5 * r[2]).collect();
        let w = least_squares(&rows, &targets, 0.0).unwrap();
        for (got, want) in w.iter().zip([3.0, -2.0, 0.5]) {
            assert!((got - want).abs() < 1e-9, "{w:?}");
        }
    }

    #[test]
    fn a_repeated_column_is_refused_without_a_ridge_and_solved_with_one() {
        let rows: Vec<Vec<f64>> = (0..9).map(|n| vec![1.0, f64::from(n), f64::from(n)]).collect();
        let targets: Vec<f64> = rows.iter().map(|r| r[1]).collect();
        assert!(least_squares(&rows, &targets, 0.0).is_none());
        let w = least_squares(&rows, &targets, 1e-3).unwrap();
        assert!((w[1] - w[2]).abs() < 1e-6 && (apply(&rows[4], &w) - 4.0).abs() < 0.01);
    }
}
