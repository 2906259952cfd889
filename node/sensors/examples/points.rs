//! Reads every point of a table once: `points TABLE.toml FOLDER` appends the readings to the folder's file of the day and prints what
//! was not read. `scripts/sensors.sh` runs it against devices of other makers' libraries.

use std::time::{SystemTime, UNIX_EPOCH};

use aula_sensors::{points::Points, read, readings};

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(table), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("points TABLE.toml FOLDER".into());
    };
    let round = read(&Points::parse(&std::fs::read_to_string(table)?)?, now_ms).await;
    for (what, why) in &round.failures {
        println!("not read: {what}: {why}");
    }
    println!("{} readings", readings::append(folder.as_ref(), &round.readings)?);
    Ok(())
}
