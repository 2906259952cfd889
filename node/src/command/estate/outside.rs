//! The year outside, as `aula estate plan` and `aula estate scenario` take it: weather, or hours of air and sun.

use std::path::PathBuf;

use aula_estate::energy::weather::{Weather, read_epw};
use aula_estate::energy::{Building, Inputs, read_inputs};
use aula_estate::plan::Hours;
use clap::Args;

use super::super::Failure;
use super::{read, refused};

/// Where the year outside comes from.
#[derive(Debug, Args)]
pub struct OutsideArgs {
    /// A year of weather, EPW
    #[arg(long, value_name = "FILE.epw", required_unless_present = "inputs", conflicts_with = "inputs")]
    pub weather: Option<PathBuf>,
    /// Hours from a Monday on as CSV instead: `t_out_c` and `solar_gains_w`; the `internal_gains_w` are left aside
    #[arg(long, value_name = "HOURS_IN.csv")]
    pub inputs: Option<PathBuf>,
}

/// What was read.
pub enum Outside {
    Weather(Weather),
    Inputs(Inputs),
}

impl OutsideArgs {
    /// Reads it for a building.
    ///
    /// # Errors
    /// When the file cannot be read or is refused.
    pub fn read(&self, building: &Building) -> Result<Outside, Failure> {
        if let Some(path) = &self.inputs {
            let inputs = read_inputs(&read(path)?, building).map_err(|error| refused(path, &error))?;
            return Ok(Outside::Inputs(inputs));
        }
        let Some(path) = &self.weather else {
            let hint = "give --weather FILE.epw or --inputs HOURS_IN.csv";
            return Err(Failure::because("no weather is given", hint));
        };
        read_epw(&read(path)?).map(Outside::Weather).map_err(|error| refused(path, &error))
    }
}

impl Outside {
    /// As the library takes it.
    pub fn hours(&self) -> Hours<'_> {
        match self {
            Self::Weather(weather) => Hours::Weather(weather),
            Self::Inputs(inputs) => Hours::Inputs(inputs),
        }
    }
}
