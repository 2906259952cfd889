//! Gradient-boosted trees in integers: the same rows give the same trees on every machine.
//!
//! Features are bins of a byte. Each round fits a tree to gradients and curvatures (Friedman 2001; second order as in
//! Chen and Guestrin 2016): a leaf is rate × ΣG / (ΣH + λ), a split is where ΣG²/(ΣH + λ) grows most. Values, gradients
//! and curvatures have 16 fractional bits.

pub mod logistic;

/// 1 in the numbers here.
pub const ONE: i64 = 1 << 16;
const BINS: usize = 256;

/// How trees are grown.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    /// How many rounds of fitting: one tree each.
    pub trees: usize,
    /// Most splits from the root to a leaf.
    pub depth: usize,
    /// Least rows in a leaf.
    pub least_rows: usize,
    /// Share of a leaf's step that is taken, of [`ONE`].
    pub rate: i64,
    /// λ, in units of curvature of [`ONE`].
    pub ridge: i64,
}

/// Rows by feature: `columns[feature][row]`.
#[derive(Debug, Clone, Default)]
pub struct Binned {
    /// One list of bins a feature.
    pub columns: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    /// Rows whose bin is at most `bin` go to `left`, others to the next node after it.
    feature: u16,
    bin: u8,
    left: u32,
    /// For a leaf; `left` is then 0.
    value: i64,
    gain: i64,
}

/// A fitted sum of trees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trees {
    trees: Vec<Vec<Node>>,
}

/// Gradient and curvature of each row at its present value.
pub trait Loss {
    /// For a row, at a value.
    fn at(&self, row: usize, value: i64) -> (i64, i64);
}

/// Half the squared distance to a target.
pub struct Squares<'a>(pub &'a [i64]);

impl Loss for Squares<'_> {
    fn at(&self, row: usize, value: i64) -> (i64, i64) {
        (self.0[row] - value, ONE)
    }
}

/// Fits trees to a loss, from a starting value that all rows share.
#[must_use]
pub fn fit(data: &Binned, rows: usize, start: i64, loss: &impl Loss, growth: &Growth) -> Trees {
    let mut values = vec![start; rows];
    let mut trees = Trees::default();
    let mut gradients = vec![(0i64, 0i64); rows];
    for _ in 0..growth.trees {
        for (row, gradient) in gradients.iter_mut().enumerate() {
            *gradient = loss.at(row, values[row]);
        }
        let mut order: Vec<u32> = (0..rows as u32).collect();
        let mut grower =
            Grower { data, gradients: &gradients, growth, nodes: Vec::new(), values: &mut values };
        grower.nodes.push(LEAF);
        grower.grow(0, &mut order, 0);
        trees.trees.push(grower.nodes);
    }
    trees
}

const LEAF: Node = Node { feature: 0, bin: 0, left: 0, value: 0, gain: 0 };

struct Grower<'a> {
    data: &'a Binned,
    gradients: &'a [(i64, i64)],
    growth: &'a Growth,
    nodes: Vec<Node>,
    values: &'a mut [i64],
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    gradient: i64,
    curvature: i64,
    rows: u32,
}

impl Bucket {
    fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.curvature += other.curvature;
        self.rows += other.rows;
    }

    fn without(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            curvature: self.curvature - other.curvature,
            rows: self.rows - other.rows,
        }
    }

    /// ΣG²/(ΣH + λ).
    fn score(self, ridge: i64) -> i64 {
        let square = i128::from(self.gradient) * i128::from(self.gradient);
        (square / i128::from((self.curvature + ridge).max(1))) as i64
    }
}

impl Grower<'_> {
    fn grow(&mut self, node: usize, rows: &mut [u32], depth: usize) {
        let mut total = Bucket::default();
        for row in rows.iter() {
            let (gradient, curvature) = self.gradients[*row as usize];
            total.add(Bucket { gradient, curvature, rows: 1 });
        }
        let split = if depth < self.growth.depth { self.split(rows, total) } else { None };
        let Some((gain, feature, bin)) = split else {
            let step = i128::from(total.gradient) * i128::from(self.growth.rate);
            let value = (step / i128::from((total.curvature + self.growth.ridge).max(1))) as i64;
            self.nodes[node].value = value;
            rows.iter().for_each(|row| self.values[*row as usize] += value);
            return;
        };
        // Stable, so that the rows' order never depends on anything but the splits.
        let column = &self.data.columns[feature];
        let (mut left, right): (Vec<u32>, Vec<u32>) =
            rows.iter().partition(|row| column[**row as usize] <= bin);
        let middle = left.len();
        left.extend(right);
        rows.copy_from_slice(&left);
        let first = self.nodes.len();
        self.nodes.extend([LEAF, LEAF]);
        self.nodes[node] = Node { feature: feature as u16, bin, left: first as u32, value: 0, gain };
        let (left, right) = rows.split_at_mut(middle);
        self.grow(first, left, depth + 1);
        self.grow(first + 1, right, depth + 1);
    }

    /// The best split that leaves enough rows on both sides.
    fn split(&self, rows: &[u32], total: Bucket) -> Option<(i64, usize, u8)> {
        let ridge = self.growth.ridge;
        let least = self.growth.least_rows as u32;
        let mut best: Option<(i64, usize, u8)> = None;
        for (feature, column) in self.data.columns.iter().enumerate() {
            let mut buckets = [Bucket::default(); BINS];
            for row in rows {
                let (gradient, curvature) = self.gradients[*row as usize];
                buckets[usize::from(column[*row as usize])].add(Bucket { gradient, curvature, rows: 1 });
            }
            let mut left = Bucket::default();
            for (bin, bucket) in
                buckets.iter().enumerate().take(BINS - 1).filter(|(_, bucket)| bucket.rows > 0)
            {
                left.add(*bucket);
                let right = total.without(left);
                if left.rows < least || right.rows < least {
                    continue;
                }
                let gain = left.score(ridge) + right.score(ridge) - total.score(ridge);
                if gain > best.map_or(0, |best| best.0) {
                    best = Some((gain, feature, bin as u8));
                }
            }
        }
        best
    }
}

impl Trees {
    /// What the trees add for a row of bins.
    #[must_use]
    pub fn value(&self, bins: &[u8]) -> i64 {
        let of = |tree: &Vec<Node>| {
            let mut node = tree[0];
            while node.left != 0 {
                node = tree[node.left as usize + usize::from(bins[usize::from(node.feature)] > node.bin)];
            }
            node.value
        };
        self.trees.iter().map(of).sum()
    }

    /// How much each feature's splits brought, in millionths of all.
    #[must_use]
    pub fn importance_ppm(&self, features: usize) -> Vec<u64> {
        let mut gains = vec![0u128; features];
        for node in self.trees.iter().flatten().filter(|node| node.left != 0) {
            gains[usize::from(node.feature)] += node.gain as u128;
        }
        let all: u128 = gains.iter().sum::<u128>().max(1);
        gains.iter().map(|gain| (gain * 1_000_000 / all) as u64).collect()
    }
}

/// Bins of a feature by quantiles of the training values: at most `most` of them, borders where values differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bins {
    /// A value's bin is how many of these are below it.
    borders: Vec<i64>,
}

impl Bins {
    /// From the values of the rows that are fitted to.
    #[must_use]
    pub fn new(values: impl Iterator<Item = i64>, most: usize) -> Self {
        let mut sorted: Vec<i64> = values.collect();
        sorted.sort_unstable();
        let mut borders: Vec<i64> = (1..most.min(BINS))
            .filter_map(|index| sorted.get(index * sorted.len() / most.min(BINS)).copied())
            .collect();
        borders.dedup();
        // A border equal to the least value would leave its bin empty.
        Self { borders }
    }

    /// The bin of a value.
    #[must_use]
    pub fn of(&self, value: i64) -> u8 {
        self.borders.partition_point(|border| *border <= value) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const GROWTH: Growth = Growth { trees: 80, depth: 3, least_rows: 5, rate: ONE / 4, ridge: ONE };

    #[test]
    fn trees_learn_what_no_line_can() {
        let mut random = Random::new(1);
        let rows: Vec<[u8; 3]> = (0..2000).map(|_| [(); 3].map(|()| random.below(100) as u8)).collect();
        let truth = |row: &[u8; 3]| if (row[0] < 50) == (row[1] < 30) { 10 * ONE } else { -4 * ONE };
        let columns = (0..3).map(|feature| rows.iter().map(|row| row[feature]).collect()).collect();
        let targets: Vec<i64> = rows.iter().map(truth).collect();
        let trees = fit(&Binned { columns }, rows.len(), 0, &Squares(&targets), &GROWTH);
        let mut fresh = Random::new(2);
        for _ in 0..500 {
            let row = [(); 3].map(|()| fresh.below(100) as u8);
            if row[0].abs_diff(50) > 2 && row[1].abs_diff(30) > 2 {
                assert!((trees.value(&row) - truth(&row)).abs() < 2 * ONE, "{row:?}");
            }
        }
        let importance = trees.importance_ppm(3);
        assert!(importance[2] < 100_000, "the third feature says nothing: {importance:?}");
    }

    #[test]
    fn bins_keep_order_and_equal_values_together() {
        let bins = Bins::new([5, 5, 5, 1, 9, 9, 200, -3].into_iter(), 4);
        let of: Vec<u8> = [-10, -3, 1, 5, 9, 200, 1000].into_iter().map(|value| bins.of(value)).collect();
        assert!(of.windows(2).all(|pair| pair[0] <= pair[1]), "{of:?}");
        assert!(bins.of(-3) < bins.of(200));
        assert_eq!(Bins::new(std::iter::empty(), 8).of(3), 0);
    }
}
