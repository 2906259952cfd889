//! The two searches: nearest deficits by price, or any deficit at all.

use super::{Engine, Meter};
use crate::allocation::rows::RowSource;
use crate::allocation::scalar::Scalar;

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// At least one deficit is settled.
    Deficits,
    /// No deficit can be reached.
    Nothing,
    /// A price or distance passed [`Scalar::LIMIT`].
    TooFar,
}

impl<V: Scalar, R: RowSource<V>> Engine<'_, V, R> {
    /// Dijkstra over reduced costs from all excesses; stops once the settled deficits cover half of `total`, and
    /// raises the prices so that shortest paths become tight.
    pub(super) fn reach_nearest(&mut self, total: i64, meter: &mut Meter) -> Found {
        let nodes = self.network.nodes();
        let mut key = vec![V::INF; nodes];
        let mut open = self.prices.clone();
        (0..nodes).filter(|&v| self.excess[v] > 0).for_each(|v| key[v] = V::ZERO);
        self.order.clear();
        self.distance.fill(V::INF);
        let (mut covered, mut bound) = (0i64, None);
        loop {
            let near = key.iter().copied().fold(V::INF, V::min);
            if near >= V::NONE || bound.is_some_and(|b| near > b) {
                break;
            }
            if near > V::LIMIT {
                return Found::TooFar;
            }
            let Some(node) = key.iter().position(|&k| k == near) else { break };
            self.order.push(node as u32);
            self.distance[node] = near;
            (key[node], open[node]) = (V::INF, V::SHUT);
            covered += (-self.excess[node]).max(0);
            if covered * 2 >= total && covered > 0 {
                bound = Some(near);
            }
            self.relax(node, near, &mut key, &open);
            meter.used += nodes as u64;
        }
        if covered == 0 {
            return Found::Nothing;
        }
        self.raise()
    }

    /// Relaxes the arcs of a settled node at distance `near`; settled heads are kept away by `open`.
    fn relax(&self, node: usize, near: V, key: &mut [V], open: &[V]) {
        let columns = self.network.columns;
        let base = near.minus(self.prices[node]);
        if node < columns {
            for ((to, &cost), &price) in key.iter_mut().zip(self.graph.row(node)).zip(open) {
                *to = (*to).min(base.plus(cost).plus(price));
            }
        }
        let mut one = |head: usize| {
            let arc = self.arc(node, head);
            if arc < V::NONE && open[head] < V::NONE {
                key[head] = key[head].min(base.plus(arc).plus(open[head]));
            }
        };
        let idle = self.network.idle();
        if node == idle {
            (0..idle).for_each(&mut one);
        } else {
            one(idle);
        }
        if self.network.split() && node == columns {
            (self.network.plain..columns).for_each(&mut one);
        } else if self.network.split() && node >= self.network.plain && node < columns {
            one(columns);
        }
    }

    /// Raises every settled node's price by how much nearer it is than the last one.
    fn raise(&mut self) -> Found {
        let far = self.order.last().map_or(V::ZERO, |&v| self.distance[v as usize]);
        let limit = V::LIMIT.wide();
        for &node in &self.order {
            let raised = self.prices[node as usize].wide() + far.wide() - self.distance[node as usize].wide();
            if raised.abs() > limit {
                return Found::TooFar;
            }
            self.prices[node as usize] = V::from_i64(raised);
        }
        Found::Deficits
    }

    /// Breadth-first search over arcs with room until the first layer with a deficit is complete.
    pub(super) fn reach_any(&mut self, meter: &mut Meter) -> Found {
        let nodes = self.network.nodes();
        self.order.clear();
        self.distance.fill(V::INF);
        let mut layer: Vec<usize> = (0..nodes).filter(|&v| self.excess[v] > 0).collect();
        let mut seen = vec![false; nodes];
        layer.iter().for_each(|&v| seen[v] = true);
        let mut found = false;
        while !layer.is_empty() {
            self.order.extend(layer.iter().map(|&v| v as u32));
            found |= layer.iter().any(|&v| self.excess[v] < 0);
            if found {
                return Found::Deficits;
            }
            let mut next = Vec::new();
            for &node in &layer {
                meter.used += nodes as u64;
                for head in 0..nodes {
                    if !seen[head] && self.arc(node, head) < V::NONE {
                        seen[head] = true;
                        next.push(head);
                    }
                }
            }
            layer = next;
        }
        Found::Nothing
    }
}
