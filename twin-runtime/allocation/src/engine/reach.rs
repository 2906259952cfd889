//! The two searches: nearest deficits by price, or any deficit at all.

use super::{Engine, Meter};
use crate::lanes::widest;
use crate::rows::RowSource;
use crate::scalar::Scalar;

/// Where a search starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// From the excesses, along the arcs.
    Excesses,
    /// From the deficits, against the arcs.
    Deficits,
}

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
    /// Dijkstra over reduced costs until half of `total` is met on the far side, then prices that make the shortest
    /// paths tight. It starts from whichever side has fewer nodes, because it tightens one path for every node of
    /// the other side.
    pub(super) fn reach_nearest(&mut self, total: i64, meter: &mut Meter) -> Found {
        let sources = self.excess.iter().filter(|e| **e > 0).count();
        let deficits = self.excess.iter().filter(|e| **e < 0).count();
        if deficits < sources && self.search(Side::Deficits, total, meter) == Found::Deficits {
            return self.lower();
        }
        // Also the last word when nothing is found: what the excesses reach is the minimum cut.
        match self.search(Side::Excesses, total, meter) {
            Found::Deficits => self.raise(),
            other => other,
        }
    }

    /// Settles nodes by distance from one side.
    fn search(&mut self, side: Side, total: i64, meter: &mut Meter) -> Found {
        if self.graph.heads().is_some() {
            return self.search_listed(side, total, meter);
        }
        let nodes = self.network.nodes();
        let sign = if side == Side::Excesses { 1 } else { -1 };
        let mut key = vec![V::INF; nodes];
        let mut open = self.prices.clone();
        if side == Side::Deficits {
            meter.used += self.graph.transpose();
            open.iter_mut().for_each(|price| *price = V::ZERO.minus(*price));
        }
        (0..nodes).filter(|&v| sign * self.excess[v] > 0).for_each(|v| key[v] = V::ZERO);
        self.order.clear();
        self.distance.fill(V::INF);
        let (mut covered, mut bound) = (0i64, None);
        let mut near = V::ZERO;
        while near < V::NONE && bound.is_none_or(|b| near <= b) {
            if near > V::LIMIT {
                return Found::TooFar;
            }
            let Some(node) = position(&key, near) else { break };
            self.order.push(node as u32);
            self.distance[node] = near;
            (key[node], open[node]) = (V::INF, V::SHUT);
            covered += (-sign * self.excess[node]).max(0);
            if covered * 2 >= total && covered > 0 {
                bound = Some(near);
            }
            near = match side {
                Side::Excesses => self.relax(node, near, &mut key, &open),
                Side::Deficits => self.relax_back(node, near, &mut key, &open),
            };
            meter.used += nodes as u64;
        }
        if covered == 0 { Found::Nothing } else { Found::Deficits }
    }

    /// Distances by reduced cost from the idle node, floors of zero counting as room to give up; [`Scalar::INF`]
    /// where no chain leads.
    pub(crate) fn chains_from_idle(&mut self, meter: &mut Meter) -> Vec<V> {
        let nodes = self.network.nodes();
        let mut key = vec![V::INF; nodes];
        let mut open = self.prices.clone();
        let idle = self.network.idle();
        for node in (0..nodes).filter(|&v| self.network.pool(v).is_some_and(|p| p.floor == 0)) {
            key[node] = self.prices[node].minus(self.prices[idle]);
        }
        key[idle] = V::ZERO;
        self.distance.fill(V::INF);
        let mut near = V::ZERO;
        while near < V::NONE {
            let Some(node) = position(&key, near) else { break };
            self.distance[node] = near;
            (key[node], open[node]) = (V::INF, V::SHUT);
            near = self.relax(node, near, &mut key, &open);
            meter.used += nodes as u64;
        }
        self.distance.clone()
    }

    /// Relaxes the arcs of a settled node at distance `near`; settled heads are kept away by `open`. Returns the
    /// least key.
    fn relax(&self, node: usize, near: V, key: &mut [V], open: &[V]) -> V {
        let columns = self.network.columns;
        let base = near.minus(self.prices[node]);
        if node < columns {
            let (keys, rest) = key.split_at_mut(columns);
            let least = relax_line(keys, self.graph.row(node), open, base);
            let bounds = if node < self.network.plain { self.network.idle() } else { columns };
            let arc = self.arc(node, bounds);
            if arc < V::NONE && open[bounds] < V::NONE {
                let at = &mut rest[bounds - columns];
                *at = (*at).min(base.plus(arc).plus(open[bounds]));
            }
            return rest.iter().copied().fold(least, V::min);
        }
        for head in 0..key.len() {
            let arc = self.arc(node, head);
            if arc < V::NONE && open[head] < V::NONE {
                key[head] = key[head].min(base.plus(arc).plus(open[head]));
            }
        }
        key.iter().copied().fold(V::INF, V::min)
    }

    /// The same against the arcs: `near` is the distance from `node` to the nearest deficit, `open` holds negated
    /// prices.
    fn relax_back(&self, node: usize, near: V, key: &mut [V], open: &[V]) -> V {
        let columns = self.network.columns;
        let base = near.plus(self.prices[node]);
        if node < columns {
            let (keys, rest) = key.split_at_mut(columns);
            let least = relax_line(keys, self.graph.column(node), open, base);
            let bounds = if node < self.network.plain { self.network.idle() } else { columns };
            let arc = self.arc(bounds, node);
            if arc < V::NONE && open[bounds] < V::NONE {
                let at = &mut rest[bounds - columns];
                *at = (*at).min(base.plus(arc).plus(open[bounds]));
            }
            return rest.iter().copied().fold(least, V::min);
        }
        for tail in 0..key.len() {
            let arc = self.arc(tail, node);
            if arc < V::NONE && open[tail] < V::NONE {
                key[tail] = key[tail].min(base.plus(arc).plus(open[tail]));
            }
        }
        key.iter().copied().fold(V::INF, V::min)
    }

    /// Lowers every settled node's price by how much nearer to a deficit it is than the last one, and turns the
    /// order round, so that it leads from excess to deficit.
    fn lower(&mut self) -> Found {
        let far = self.order.last().map_or(V::ZERO, |&v| self.distance[v as usize]);
        let limit = V::LIMIT.wide();
        for &node in &self.order {
            let lowered =
                self.prices[node as usize].wide() - far.wide() + self.distance[node as usize].wide();
            if lowered.abs() > limit {
                return Found::TooFar;
            }
            self.prices[node as usize] = V::from_i64(lowered);
        }
        self.order.reverse();
        Found::Deficits
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

/// `keys = min(keys, base + costs + open)`; returns the least of them.
fn relax_line<V: Scalar>(keys: &mut [V], costs: &[V], open: &[V], base: V) -> V {
    widest(
        #[inline(always)]
        || {
            let mut least = V::INF;
            for ((to, &cost), &price) in keys.iter_mut().zip(costs).zip(open) {
                let reached = (*to).min(base.plus(cost).plus(price));
                *to = reached;
                least = least.min(reached);
            }
            least
        },
    )
}

/// Index of the first key equal to `sought`, in blocks that compile to vector compares.
fn position<V: Scalar>(key: &[V], sought: V) -> Option<usize> {
    const BLOCK: usize = 32;
    let at = widest(
        #[inline(always)]
        || {
            let mut start = 0;
            for block in key.chunks(BLOCK) {
                if block.iter().fold(false, |any, &k| any | (k == sought)) {
                    break;
                }
                start += BLOCK;
            }
            start
        },
    );
    let rest = key.get(at..)?;
    rest.iter().position(|&k| k == sought).map(|offset| at + offset)
}
