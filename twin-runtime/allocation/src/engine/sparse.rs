//! Dijkstra for graphs of few arcs: a heap over listed heads, where whole-row passes would mostly read "no arc".
//!
//! Same result as the dense search up to the order of equal distances.

use super::reach::{Found, Side};
use super::{Engine, Meter};
use crate::pool_graph::SCATTERED;
use crate::rows::RowSource;
use crate::scalar::Scalar;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

impl<V: Scalar, R: RowSource<V>> Engine<'_, V, R> {
    /// Settles nodes by distance from one side until half of `total` is met on the other.
    pub(super) fn search_listed(&mut self, side: Side, total: i64, meter: &mut Meter) -> Found {
        let nodes = self.network.nodes();
        let sign = if side == Side::Excesses { 1 } else { -1 };
        let tails = if side == Side::Deficits { self.tails(meter) } else { Vec::new() };
        let mut distance = vec![V::INF; nodes];
        let mut heap = BinaryHeap::new();
        for node in (0..nodes).filter(|&v| sign * self.excess[v] > 0) {
            distance[node] = V::ZERO;
            heap.push(Reverse((V::ZERO, node as u32)));
        }
        self.order.clear();
        self.distance.fill(V::INF);
        let (mut covered, mut bound) = (0i64, None);
        while let Some(Reverse((near, node))) = heap.pop() {
            let at = node as usize;
            if near > distance[at] || self.distance[at] < V::NONE {
                continue;
            }
            if bound.is_some_and(|b| near > b) {
                break;
            }
            if near > V::LIMIT {
                return Found::TooFar;
            }
            self.order.push(node);
            self.distance[at] = near;
            covered += (-sign * self.excess[at]).max(0);
            if covered * 2 >= total && covered > 0 {
                bound = Some(near);
            }
            meter.used += SCATTERED * self.visit(side, at, near, &tails, &mut distance, &mut heap);
        }
        meter.used += nodes as u64;
        if covered == 0 { Found::Nothing } else { Found::Deficits }
    }

    /// Offers a settled node's neighbours; returns the arcs looked at.
    fn visit(
        &self,
        side: Side,
        node: usize,
        near: V,
        tails: &[Vec<u32>],
        distance: &mut [V],
        heap: &mut BinaryHeap<Reverse<(V, u32)>>,
    ) -> u64 {
        let columns = self.network.columns;
        let mut looked = 0;
        let mut offer = |other: usize| {
            looked += 1;
            let (p, q) = if side == Side::Excesses { (node, other) } else { (other, node) };
            let arc = self.arc(p, q);
            if arc >= V::NONE || self.distance[other] < V::NONE {
                return;
            }
            let reached = near.plus(arc).plus(self.prices[q]).minus(self.prices[p]);
            if reached < distance[other] {
                distance[other] = reached;
                heap.push(Reverse((reached, other as u32)));
            }
        };
        if node >= columns {
            (0..self.network.nodes()).for_each(offer);
            return looked;
        }
        match (side, self.graph.heads()) {
            (Side::Excesses, Some(heads)) => heads[node].iter().for_each(|&q| offer(q as usize)),
            _ => tails[node].iter().for_each(|&p| offer(p as usize)),
        }
        (columns..self.network.nodes()).for_each(offer);
        looked
    }

    /// The listed arcs turned round: tails of every column.
    fn tails(&self, meter: &mut Meter) -> Vec<Vec<u32>> {
        let mut tails = vec![Vec::new(); self.network.columns];
        for (p, heads) in (0u32..).zip(self.graph.heads().unwrap_or(&[])) {
            heads.iter().for_each(|&q| tails[q as usize].push(p));
            meter.used += heads.len() as u64;
        }
        tails
    }
}
