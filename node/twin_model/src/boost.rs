//! Gradient-boosted regression trees, for a score or for log-odds.
//!
//! Each round fits a tree of depth `DEPTH` to the gradient of the loss by Newton gains (Chen and Guestrin
//! 2016), on at most `BINS` quantiles a feature, and adds it with a small step. It starts from predictions
//! that are given (a linear model's), so rounds add only what those miss; how many are kept is decided on held
//! students of the training side. Deterministic: one thread, no sampling, ties to the first.

/// Levels of a tree below its root.
const DEPTH: usize = 3;
/// Quantiles a feature is cut at.
const BINS: usize = 48;
/// Step of each round.
const STEP: f64 = 0.05;
/// Strength of the pull of leaves towards nothing.
const RIDGE: f64 = 20.0;
/// Least curvature (for scores: rows) on each side of a cut.
const MIN_SIDE: f64 = 20.0;
/// Most rounds.
const ROUNDS: usize = 1_000;
/// Rounds without improvement after which the search for their number ends.
const PATIENCE: usize = 30;

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Half the squared error of a score.
    Squared,
    /// Log-loss of an outcome, 0 or 1, predicted as log-odds.
    Logistic,
}

impl Loss {
    /// Minus the gradient, and the curvature.
    fn slopes(self, prediction: f64, target: f64) -> (f64, f64) {
        match self {
            Self::Squared => (target - prediction, 1.0),
            Self::Logistic => {
                let p = super::logistic::sigmoid(prediction);
                (target - p, (p * (1.0 - p)).max(1e-6))
            }
        }
    }

    fn cost(self, prediction: f64, target: f64) -> f64 {
        match self {
            Self::Squared => 0.5 * (target - prediction).powi(2),
            Self::Logistic => super::logistic::loss(prediction, target > 0.5),
        }
    }
}

/// Rows of equal width, one after another, with a start prediction and a target each.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Features of each row.
    pub rows: Vec<Vec<f32>>,
    /// Prediction to start from.
    pub base: Vec<f64>,
    /// Score, or 0 and 1.
    pub target: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Cut { feature: usize, at: f32, left: usize, right: usize },
    Leaf(f64),
}

/// A fitted sum of trees.
#[derive(Debug, Clone)]
pub struct Boosted {
    trees: Vec<Vec<Node>>,
    /// Share of the gain that each feature's cuts brought; sums to 1, or to 0 without trees.
    pub importance: Vec<f64>,
}

impl Boosted {
    /// How many rounds were kept.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.trees.len()
    }

    /// Base prediction plus what the trees add.
    #[must_use]
    pub fn predict(&self, base: f64, row: &[f32]) -> f64 {
        base + self.trees.iter().map(|tree| STEP * leaf(tree, row)).sum::<f64>()
    }
}

fn leaf(tree: &[Node], row: &[f32]) -> f64 {
    let mut at = 0;
    loop {
        match tree.get(at) {
            Some(Node::Cut { feature, at: cut, left, right }) => {
                at = if row[*feature] <= *cut { *left } else { *right };
            }
            Some(Node::Leaf(value)) => return *value,
            None => return 0.0,
        }
    }
}

/// Fits on `train`, with as many rounds as are best on `held`.
#[must_use]
pub fn fit(train: &Sample, held: &Sample, loss: Loss) -> Boosted {
    let width = train.rows.first().map_or(0, Vec::len);
    let cuts: Vec<Vec<f32>> = (0..width).map(|feature| quantiles(&train.rows, feature)).collect();
    let binned = bins(&train.rows, &cuts);
    let mut predictions = train.base.clone();
    let mut held_predictions = held.base.clone();
    let cost = |predictions: &[f64]| -> f64 {
        predictions.iter().zip(&held.target).map(|(p, t)| loss.cost(*p, *t)).sum()
    };
    let (mut best, mut kept) = (cost(&held_predictions), 0);
    let mut trees = Vec::new();
    let mut gains: Vec<Vec<f64>> = Vec::new();
    while trees.len() < ROUNDS && trees.len() < kept + PATIENCE {
        let slopes: Vec<(f64, f64)> =
            predictions.iter().zip(&train.target).map(|(p, t)| loss.slopes(*p, *t)).collect();
        let mut grower = Grower {
            cuts: &cuts,
            bins: &binned,
            slopes: &slopes,
            nodes: Vec::new(),
            gains: vec![0.0; width],
        };
        grower.grow((0..train.rows.len()).collect(), 0);
        let tree = grower.nodes;
        gains.push(grower.gains);
        for (p, row) in predictions.iter_mut().zip(&train.rows) {
            *p += STEP * leaf(&tree, row);
        }
        for (p, row) in held_predictions.iter_mut().zip(&held.rows) {
            *p += STEP * leaf(&tree, row);
        }
        trees.push(tree);
        let now = cost(&held_predictions);
        if now < best {
            (best, kept) = (now, trees.len());
        }
    }
    trees.truncate(kept);
    let mut importance: Vec<f64> = (0..width).map(|f| gains.iter().take(kept).map(|g| g[f]).sum()).collect();
    let total: f64 = importance.iter().sum();
    if total > 0.0 {
        importance.iter_mut().for_each(|x| *x /= total);
    }
    Boosted { trees, importance }
}

/// Ascending cut points of a feature: a row is left of the first cut that it does not exceed.
fn quantiles(rows: &[Vec<f32>], feature: usize) -> Vec<f32> {
    let mut values: Vec<f32> = rows.iter().map(|r| r[feature]).collect();
    values.sort_by(f32::total_cmp);
    let mut cuts: Vec<f32> = (1..BINS).map(|n| values[n * (values.len() - 1) / BINS]).collect();
    cuts.dedup();
    cuts
}

fn bins(rows: &[Vec<f32>], cuts: &[Vec<f32>]) -> Vec<Vec<u8>> {
    let bin =
        |row: &Vec<f32>| row.iter().zip(cuts).map(|(x, c)| c.partition_point(|cut| cut < x) as u8).collect();
    rows.iter().map(bin).collect()
}

struct Grower<'a> {
    cuts: &'a [Vec<f32>],
    bins: &'a [Vec<u8>],
    slopes: &'a [(f64, f64)],
    nodes: Vec<Node>,
    gains: Vec<f64>,
}

fn worth((gradient, curvature): (f64, f64)) -> f64 {
    gradient * gradient / (curvature + RIDGE)
}

impl Grower<'_> {
    /// Grows the part of the tree over some rows; returns its place.
    fn grow(&mut self, rows: Vec<usize>, depth: usize) -> usize {
        let place = self.nodes.len();
        let total = rows.iter().fold((0.0, 0.0), |s, n| {
            let (g, h) = self.slopes[*n];
            (s.0 + g, s.1 + h)
        });
        self.nodes.push(Node::Leaf(total.0 / (total.1 + RIDGE)));
        if depth == DEPTH {
            return place;
        }
        let Some((feature, bin, gain)) = self.best_cut(&rows, total) else { return place };
        self.gains[feature] += gain;
        let (left, right) = rows.into_iter().partition(|n| usize::from(self.bins[*n][feature]) <= bin);
        let left = self.grow(left, depth + 1);
        let right = self.grow(right, depth + 1);
        self.nodes[place] = Node::Cut { feature, at: self.cuts[feature][bin], left, right };
        place
    }

    /// Feature, bin and gain of the cut that gains most.
    fn best_cut(&self, rows: &[usize], total: (f64, f64)) -> Option<(usize, usize, f64)> {
        let mut best: Option<(usize, usize, f64)> = None;
        for (feature, cuts) in self.cuts.iter().enumerate() {
            let mut sums = [(0.0, 0.0); BINS + 1];
            for n in rows {
                let sum = &mut sums[usize::from(self.bins[*n][feature])];
                let (g, h) = self.slopes[*n];
                *sum = (sum.0 + g, sum.1 + h);
            }
            let mut left = (0.0, 0.0);
            for (bin, sum) in sums.iter().enumerate().take(cuts.len()) {
                left = (left.0 + sum.0, left.1 + sum.1);
                let right = (total.0 - left.0, total.1 - left.1);
                let enough = left.1 >= MIN_SIDE && right.1 >= MIN_SIDE;
                let gain = worth(left) + worth(right) - worth(total);
                if enough && gain > 1e-9 && best.is_none_or(|b| gain > b.2) {
                    best = Some((feature, bin, gain));
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(range: std::ops::Range<u64>, law: fn(f64, f64) -> f64) -> Sample {
        let mut sample = Sample::default();
        for n in range {
            let (a, b) = ((n * 7_919 % 1_000) as f64 / 500.0 - 1.0, (n * 104_729 % 997) as f64 / 500.0 - 1.0);
            sample.rows.push(vec![a as f32, b as f32, (n % 13) as f32]);
            sample.base.push(0.0);
            sample.target.push(law(a, b));
        }
        sample
    }

    #[test]
    fn a_product_that_no_line_describes_is_found() {
        let law = |a: f64, b: f64| 3.0 * a * b;
        let (train, held, test) =
            (sample(0..2_000, law), sample(2_000..2_500, law), sample(2_500..3_000, law));
        let fitted = fit(&train, &held, Loss::Squared);
        let error = |p: &dyn Fn(usize) -> f64| -> f64 {
            (0..500).map(|n| (p(n) - test.target[n]).powi(2)).sum::<f64>() / 500.0
        };
        let (ours, none) = (error(&|n| fitted.predict(0.0, &test.rows[n])), error(&|_| 0.0));
        assert!(ours < 0.2 * none, "{ours} of {none}");
        assert!(fitted.importance[2] < 0.05, "{:?}", fitted.importance);
    }

    #[test]
    fn without_anything_to_learn_nothing_is_added() {
        let law = |_: f64, _: f64| 0.0;
        let fitted = fit(&sample(0..500, law), &sample(500..600, law), Loss::Squared);
        assert_eq!(fitted.rounds(), 0);
        assert_eq!(fitted.predict(1.5, &[0.0; 3]), 1.5);
    }

    #[test]
    fn outcomes_are_predicted_as_log_odds() {
        let law = |a: f64, _: f64| f64::from(u8::from(a > 0.2));
        let fitted = fit(&sample(0..2_000, law), &sample(2_000..2_500, law), Loss::Logistic);
        assert!(fitted.predict(0.0, &[0.9, 0.0, 1.0]) > 2.0);
        assert!(fitted.predict(0.0, &[-0.9, 0.0, 1.0]) < -2.0);
    }
}
