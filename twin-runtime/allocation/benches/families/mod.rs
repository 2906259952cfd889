//! Instances made to be hard, for the tests of the work bound, the benchmark and the script beside the peers. Integers
//! and a fixed generator only, so that a name, a size and a seed are the instance. Plain data: whoever includes this
//! file turns it into a problem.
//!
//! | family | why it is hard |
//! |---|---|
//! | `product` | c = a·b (Machol and Wien 1976): every augmentation moves many, prices climb in small steps |
//! | `chain` | a student may only have a pool or the next one, and all room is at the far end: longest paths |
//! | `near_equal` | costs differ by at most 2 in a million: scaling tells nothing apart |
//! | `floors` | everybody wants the pools that are small, guarantees sit where nobody wants to be |
//! | `ladder` | pool p costs about 2^(p/16): distances of every magnitude |
//! | `equal` | all costs are the same: the lottery alone decides |
//! | `staircase` | thresholds at which whole blocks of students change their mind together |

/// Pools as (capacity, floor), rows as (pool, cost) with pools ascending.
pub struct Raw {
    /// Capacity and floor by pool.
    pub pools: Vec<(u32, u32)>,
    /// Eligible pools and costs by student.
    pub rows: Vec<Vec<(u32, i32)>>,
}

/// The families that [`make`] knows, in the order of the table above.
pub const FAMILIES: [&str; 7] = ["product", "chain", "near_equal", "floors", "ladder", "equal", "staircase"];

struct Stream(u64);

impl Stream {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// Capacities that add up to `total`, as even as they can be.
fn even(total: u64, k: u64) -> Vec<(u32, u32)> {
    (0..k).map(|p| ((total * (p + 1) / k - total * p / k) as u32, 0)).collect()
}

/// The instance of a family: `n` students, `k` pools. `None` for an unknown name.
pub fn make(family: &str, n: u32, k: u32, seed: u64) -> Option<Raw> {
    let mut r = Stream(seed);
    let (students, pools) = (u64::from(n), u64::from(k));
    let all = |cost: &mut dyn FnMut(u64, u64) -> u64| -> Vec<Vec<(u32, i32)>> {
        (0..students).map(|s| (0..pools).map(|p| (p as u32, cost(s, p) as i32)).collect()).collect()
    };
    let tight = even(students, pools);
    Some(match family {
        "product" => {
            let a: Vec<u64> = (0..students).map(|_| 1 + r.below(3_000)).collect();
            let b: Vec<u64> = (0..pools).map(|_| 1 + r.below(3_000)).collect();
            Raw { pools: tight, rows: all(&mut |s, p| a[s as usize] * b[p as usize]) }
        }
        "chain" => {
            // As many students to a link as places, one link's students too many at the start, its room at the end.
            let link = (students / pools).max(1);
            let mut places = vec![(link as u32, 0); k as usize];
            let over = students.saturating_sub(link * pools) as u32;
            places[k as usize - 1].0 += over + link as u32;
            let row = |s: u64| {
                let at = (s / link).min(pools - 1).saturating_sub(1);
                let (near, far) = (r.below(50), 50 + r.below(1_000));
                let mut row = vec![(at as u32, near as i32)];
                if at + 1 < pools {
                    row.push((at as u32 + 1, far as i32));
                }
                row
            };
            Raw { pools: places, rows: (0..students).map(row).collect() }
        }
        "near_equal" => Raw { pools: tight, rows: all(&mut |_, _| 1_000_000 + r.below(3)) },
        "floors" => {
            let guaranteed = |p: u64| if p.is_multiple_of(2) { 0 } else { students * 9 / (5 * pools) };
            let place = |p: u64| ((students / pools * 2 + 1) as u32, guaranteed(p) as u32);
            let rows =
                all(&mut |_, p| if p.is_multiple_of(2) { r.below(100) } else { 5_000 + r.below(5_000) });
            Raw { pools: (0..pools).map(place).collect(), rows }
        }
        "ladder" => Raw {
            pools: tight,
            rows: all(&mut |_, p| (1u64 << (p * 16 / pools + 4)) + r.below(1 << (p * 16 / pools + 4))),
        },
        "equal" => Raw { pools: tight, rows: all(&mut |_, _| 7) },
        "staircase" => {
            let step = (students / 16).max(1);
            let rows = all(&mut |s, p| (s / step + 1) * (p + 1) * 16 + r.below(4));
            Raw { pools: tight, rows }
        }
        _ => return None,
    })
}
