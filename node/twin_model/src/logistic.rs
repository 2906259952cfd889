//! Penalised logistic regression on sparse rows, by L-BFGS.
//!
//! Minimises Σ log-loss + ½ Σ λ_j (w_j − c_j)² over the weights. Deterministic: one thread, fixed order.
//! Source: Liu and Nocedal 1989, with backtracking on the Armijo condition.

/// Rows of a regression: sparse features, an outcome and a constant offset each.
#[derive(Debug, Clone, Default)]
pub struct Design {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
    outcomes: Vec<bool>,
}

impl Design {
    /// Adds a row. Columns may repeat; their values add up.
    pub fn push(&mut self, row: impl IntoIterator<Item = (u32, f32)>, outcome: bool) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        for (column, value) in row {
            if value != 0.0 {
                self.columns.push(column);
                self.values.push(value);
            }
        }
        self.starts.push(self.columns.len());
        self.outcomes.push(outcome);
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    fn row(&self, n: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let (from, to) = (self.starts[n], self.starts[n + 1]);
        self.columns[from..to].iter().zip(&self.values[from..to]).map(|(c, v)| (*c as usize, f64::from(*v)))
    }

    /// Log-odds of row `n` under weights.
    #[must_use]
    pub fn log_odds(&self, n: usize, weights: &[f64]) -> f64 {
        self.row(n).map(|(c, v)| weights[c] * v).sum()
    }

    /// Mean log-loss of all rows under weights, nats.
    #[must_use]
    pub fn log_loss(&self, weights: &[f64]) -> f64 {
        let sum: f64 = (0..self.len()).map(|n| loss(self.log_odds(n, weights), self.outcomes[n])).sum();
        sum / self.len().max(1) as f64
    }

    /// Largest column plus one.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.iter().max().map_or(0, |c| *c as usize + 1)
    }
}

/// The logistic curve.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Log-loss of one outcome at log-odds `x`, nats.
#[must_use]
pub fn loss(x: f64, outcome: bool) -> f64 {
    let x = if outcome { -x } else { x };
    if x > 30.0 { x } else { x.exp().ln_1p() }
}

/// A ridge penalty: strength and centre of each weight.
#[derive(Debug, Clone)]
pub struct Ridge {
    /// λ, in units of one response's log-loss.
    pub strength: Vec<f64>,
    /// Where the weight rests without data.
    pub centre: Vec<f64>,
}

fn objective(design: &Design, ridge: &Ridge, weights: &[f64], gradient: &mut [f64]) -> f64 {
    let mut total = 0.0;
    for ((g, w), (s, c)) in gradient.iter_mut().zip(weights).zip(ridge.strength.iter().zip(&ridge.centre)) {
        *g = s * (w - c);
        total += 0.5 * s * (w - c) * (w - c);
    }
    for n in 0..design.len() {
        let x = design.log_odds(n, weights);
        let outcome = design.outcomes[n];
        total += loss(x, outcome);
        let residual = sigmoid(x) - f64::from(u8::from(outcome));
        for (column, value) in design.row(n) {
            gradient[column] += residual * value;
        }
    }
    total
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Fits from a start; stops when the objective falls by less than one part in 10⁷ or after `iterations`.
#[must_use]
pub fn fit(design: &Design, ridge: &Ridge, start: Vec<f64>, iterations: usize) -> Vec<f64> {
    const MEMORY: usize = 10;
    let mut weights = start;
    let mut gradient = vec![0.0; weights.len()];
    let mut value = objective(design, ridge, &weights, &mut gradient);
    let mut memory: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    for _ in 0..iterations {
        let direction = direction(&gradient, &memory);
        let slope = dot(&gradient, &direction);
        if slope >= 0.0 {
            break;
        }
        let mut length =
            if memory.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1e-12) } else { 1.0 };
        let mut next_gradient = vec![0.0; weights.len()];
        let mut accepted = None;
        for _ in 0..25 {
            let next: Vec<f64> = weights.iter().zip(&direction).map(|(w, d)| w + length * d).collect();
            let next_value = objective(design, ridge, &next, &mut next_gradient);
            if next_value <= value + 1e-4 * length * slope {
                accepted = Some((next, next_value));
                break;
            }
            length *= 0.5;
        }
        let Some((next, next_value)) = accepted else { break };
        let moved: Vec<f64> = next.iter().zip(&weights).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&moved, &turned);
        if curvature > 1e-12 {
            if memory.len() == MEMORY {
                memory.remove(0);
            }
            memory.push((moved, turned, 1.0 / curvature));
        }
        let fall = value - next_value;
        (weights, gradient, value) = (next, next_gradient, next_value);
        if fall < 1e-7 * value.abs() {
            break;
        }
    }
    weights
}

/// Minus the approximate inverse Hessian times the gradient, by the two-loop recursion.
fn direction(gradient: &[f64], memory: &[(Vec<f64>, Vec<f64>, f64)]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.to_vec();
    let mut alphas = Vec::with_capacity(memory.len());
    for (moved, turned, rho) in memory.iter().rev() {
        let alpha = rho * dot(moved, &q);
        for (x, t) in q.iter_mut().zip(turned) {
            *x -= alpha * t;
        }
        alphas.push(alpha);
    }
    if let Some((_, turned, rho)) = memory.last() {
        let scale = 1.0 / (rho * dot(turned, turned)).max(1e-300);
        q.iter_mut().for_each(|x| *x *= scale);
    }
    for ((moved, turned, rho), alpha) in memory.iter().zip(alphas.iter().rev()) {
        let beta = rho * dot(turned, &q);
        for (x, m) in q.iter_mut().zip(moved) {
            *x += (alpha - beta) * m;
        }
    }
    q.iter_mut().for_each(|x| *x = -*x);
    q
}
