//! Prints how much planned paths gain over greedy ones, and how long 10,000 trajectories take.
//!
//! `cargo run --release -p aula-twin-model --example path_study -- GRAPH TRAIN.csv.gz STAR.csv.gz [LEARNERS] [TRAJECTORIES]`

use std::path::Path;
use std::time::Instant;

use aula_twin_model::fit::fit;
use aula_twin_model::log::{Log, Names};
use aula_twin_model::{graph, study};
use aula_twin_runtime::planner::{Plan, PlanParams};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = |n: usize| Path::new(args.get(n).map_or("", String::as_str));
    let number = |n: usize, none: u32| args.get(n).and_then(|a| a.parse().ok()).unwrap_or(none);
    let graph = graph::read(path(0))?;
    let nothing = vec![None; graph.len()];
    let plan = Plan::new(&graph, &nothing, PlanParams::reference())?;
    for seed in 1..=5 {
        let started = Instant::now();
        let tree = plan.search(10_000, seed)?;
        let ms = started.elapsed().as_secs_f64() * 1e3;
        let gains = (plan.expected_gain_e4(&tree, 400, seed), plan.greedy_gain_e4(400, seed));
        println!("10,000 trajectories in {ms:.1} ms; gain {} e4, greedy {} e4", gains.0, gains.1);
    }
    let mut names = Names::default();
    let log = Log::read(path(1), &mut names)?;
    let model = fit(&log, &names).model;
    let law = study::Law::of(&model, &log, study::growth_per_year(path(2))?);
    println!("fitted: {law:?}");
    let size = (number(3, 1_000), number(4, 1_000), 1);
    println!("{:#?}", study::run(&graph, &study::grades(path(0))?, law, size, || ())?);
    Ok(())
}
