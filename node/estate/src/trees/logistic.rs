//! Yes or no: the logistic loss for trees, and the plain logistic regression that they are shown beside.

use super::{Loss, ONE};

/// The logistic loss of answers; values are logits.
pub struct Logistic<'a>(pub &'a [bool]);

impl Loss for Logistic<'_> {
    fn at(&self, row: usize, value: i64) -> (i64, i64) {
        let p = probability(value);
        (if self.0[row] { ONE - p } else { -p }, (p * (ONE - p) / ONE).max(16))
    }
}

/// 1/(1 + e^−x), in 1/2¹⁶.
#[must_use]
pub fn probability(logit: i64) -> i64 {
    let size = logit.unsigned_abs().min(12 * ONE as u64) as i64;
    // e^−size = 2^−(size · log2 e): whole halvings, the rest by 2^−f ≈ a cubic that is exact to 10⁻⁴ in [0, 1].
    let halvings = (size * 94_548) >> 16;
    let (whole, f) = (halvings >> 16, halvings & 0xffff);
    let cubic = ONE - ((f * (45_390 - ((f * (15_550 - ((f * 2_930) >> 16))) >> 16))) >> 16);
    let e = (cubic << 8) >> whole;
    let high = (ONE << 24) / ((ONE << 8) + e);
    if logit >= 0 { high } else { ONE - high }
}

/// A fitted logistic regression over standardised columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    means: Vec<f64>,
    scales: Vec<f64>,
    weights: Vec<f64>,
    intercept: f64,
}

impl Line {
    /// Fits by Newton steps with a small ridge.
    #[must_use]
    pub fn fit(rows: &[Vec<f64>], answers: &[bool]) -> Self {
        let (count, width) = (rows.len().max(1) as f64, rows.first().map_or(0, Vec::len));
        let mean = |column: usize| rows.iter().map(|row| row[column]).sum::<f64>() / count;
        let means: Vec<f64> = (0..width).map(mean).collect();
        let spread = |column: usize| {
            let square = rows.iter().map(|row| (row[column] - means[column]).powi(2)).sum::<f64>() / count;
            if square > 0.0 { square.sqrt() } else { 1.0 }
        };
        let scales: Vec<f64> = (0..width).map(spread).collect();
        let mut line = Self { weights: vec![0.0; width], intercept: 0.0, means, scales };
        for _ in 0..25 {
            let step = line.newton(rows, answers);
            line.intercept += step[width];
            line.weights.iter_mut().zip(&step).for_each(|(weight, step)| *weight += step);
            if step.iter().all(|step| step.abs() < 1e-9) {
                break;
            }
        }
        line
    }

    /// One step: (XᵀWX + I/10) δ = Xᵀ(y − p) − w/10.
    fn newton(&self, rows: &[Vec<f64>], answers: &[bool]) -> Vec<f64> {
        let width = self.weights.len() + 1;
        let mut system = vec![vec![0.0; width + 1]; width];
        for (row, answer) in rows.iter().zip(answers) {
            let p = self.probability(row);
            let (residual, weight) = (f64::from(u8::from(*answer)) - p, (p * (1.0 - p)).max(1e-9));
            let mut x: Vec<f64> = row
                .iter()
                .zip(&self.means)
                .zip(&self.scales)
                .map(|((x, mean), scale)| (x - mean) / scale)
                .collect();
            x.push(1.0);
            for (index, line) in system.iter_mut().enumerate() {
                line.iter_mut().zip(&x).for_each(|(cell, other)| *cell += weight * x[index] * other);
                line[width] += residual * x[index];
            }
        }
        for (index, weight) in self.weights.iter().enumerate() {
            system[index][index] += 0.1;
            system[index][width] -= 0.1 * weight;
        }
        crate::linear::solve(system)
    }

    /// The probability of yes.
    #[must_use]
    pub fn probability(&self, row: &[f64]) -> f64 {
        let terms = row.iter().zip(&self.means).zip(&self.scales).zip(&self.weights);
        let logit = self.intercept
            + terms.map(|(((x, mean), scale), weight)| (x - mean) / scale * weight).sum::<f64>();
        1.0 / (1.0 + (-logit).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_right_to_a_thousandth() {
        for tenth in -100..=100 {
            let exact = 1.0 / (1.0 + (-f64::from(tenth) / 10.0).exp());
            let ours = probability(i64::from(tenth) * ONE / 10) as f64 / ONE as f64;
            assert!((ours - exact).abs() < 0.001, "{tenth}: {ours} {exact}");
        }
        assert!(probability(i64::MIN + 1) >= 0 && probability(i64::MAX) <= ONE);
    }

    #[test]
    fn a_line_finds_its_slope() {
        let rows: Vec<Vec<f64>> = (0..400).map(|index| vec![f64::from(index % 20), 1.0]).collect();
        let answers: Vec<bool> = (0..400).map(|index| index % 20 >= 10 || index % 37 == 0).collect();
        let line = Line::fit(&rows, &answers);
        assert!(line.probability(&[2.0, 1.0]) < 0.1 && line.probability(&[17.0, 1.0]) > 0.9);
    }
}
