//! How good predictions are: AUC, accuracy, RMSE, log-loss, calibration.

/// The four measures of a list of predictions.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Metrics {
    /// Probability that a right answer is ranked above a wrong one, ties half; 0.5 when one kind is missing.
    pub auc: f64,
    /// Share on the right side of one half; exactly one half counts as right.
    pub accuracy: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean log-loss, nats, with probabilities kept within 10⁻⁶ of 0 and 1.
    pub log_loss: f64,
}

/// Judges (probability, outcome) pairs.
#[must_use]
pub fn judge(pairs: &[(f64, bool)]) -> Metrics {
    let n = pairs.len().max(1) as f64;
    let hits = pairs.iter().filter(|(p, y)| (*p >= 0.5) == *y).count() as f64;
    let squares: f64 = pairs.iter().map(|(p, y)| (p - f64::from(u8::from(*y))).powi(2)).sum();
    let losses: f64 = pairs
        .iter()
        .map(|(p, y)| {
            let p = p.clamp(1e-6, 1.0 - 1e-6);
            -(if *y { p } else { 1.0 - p }).ln()
        })
        .sum();
    Metrics { auc: auc(pairs), accuracy: hits / n, rmse: (squares / n).sqrt(), log_loss: losses / n }
}

/// Area under the ROC curve by ranks, ties half.
#[must_use]
pub fn auc(pairs: &[(f64, bool)]) -> f64 {
    let mut sorted: Vec<(f64, bool)> = pairs.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = sorted.iter().filter(|(_, y)| *y).count() as f64;
    let negatives = sorted.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return 0.5;
    }
    let (mut area, mut below, mut at) = (0.0, 0.0, 0);
    while at < sorted.len() {
        let group = sorted[at..].iter().take_while(|(p, _)| *p == sorted[at].0).count();
        let right = sorted[at..at + group].iter().filter(|(_, y)| *y).count() as f64;
        let wrong = group as f64 - right;
        area += right * (below + wrong / 2.0);
        below += wrong;
        at += group;
    }
    area / (positives * negatives)
}

/// One bin of a calibration table.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Bin {
    /// Predictions in the bin.
    pub count: usize,
    /// Their mean.
    pub predicted: f64,
    /// Share that was right.
    pub observed: f64,
}

/// Ten bins of equal width; empty ones are left out.
#[must_use]
pub fn calibration(pairs: &[(f64, bool)]) -> Vec<Bin> {
    let mut bins = [(0_usize, 0.0, 0.0); 10];
    for (p, y) in pairs {
        let bin = &mut bins[((p * 10.0) as usize).min(9)];
        *bin = (bin.0 + 1, bin.1 + p, bin.2 + f64::from(u8::from(*y)));
    }
    bins.iter()
        .filter(|(count, _, _)| *count > 0)
        .map(|(count, predicted, observed)| {
            let n = *count as f64;
            Bin { count: *count, predicted: predicted / n, observed: observed / n }
        })
        .collect()
}
