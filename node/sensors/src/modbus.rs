//! Modbus TCP (Modbus Application Protocol 1.1b3): functions 1 to 4, which read.

use std::fmt::Display;

use tokio::time::timeout;
use tokio_modbus::client::{Context, Reader, tcp};
use tokio_modbus::slave::Slave;

use crate::points::{Modbus, Register, Table};
use crate::{PATIENCE, Round};

/// Asks a device for each of its points. One that does not answer is asked nothing more in this round.
pub(crate) async fn read(device: &Modbus, now_ms: &impl Fn() -> u64, round: &mut Round) {
    let connected = timeout(PATIENCE, tcp::connect_slave(device.address, Slave(device.unit))).await;
    let mut context = match connected {
        Ok(Ok(context)) => context,
        Ok(Err(why)) => return round.refuse(&device.name, why),
        Err(_) => return round.refuse(&device.name, "it does not answer"),
    };
    for register in &device.points {
        match timeout(PATIENCE, value(&mut context, register)).await {
            Ok(Answer::Value(value)) => round.take(&device.name, &register.point, now_ms(), value),
            Ok(Answer::Gone(why)) => return round.refuse(&device.name, why),
            // A late answer would be taken for the next point's.
            Err(_) => return round.refuse(&device.name, "it does not answer"),
        }
    }
}

enum Answer {
    /// A number, or why the device refuses this point.
    Value(Result<f64, String>),
    /// The connection is of no more use.
    Gone(String),
}

async fn value(context: &mut Context, register: &Register) -> Answer {
    let (at, count) = (register.at, register.count());
    match register.table {
        Table::Coil => bits(context.read_coils(at, 1).await),
        Table::Discrete => bits(context.read_discrete_inputs(at, 1).await),
        Table::Input => words(register, context.read_input_registers(at, count).await),
        Table::Holding => words(register, context.read_holding_registers(at, count).await),
    }
}

fn bits<E: Display, F: Display>(answer: Result<Result<Vec<bool>, E>, F>) -> Answer {
    match answer {
        Err(why) => Answer::Gone(why.to_string()),
        Ok(Err(why)) => Answer::Value(Err(why.to_string())),
        Ok(Ok(bits)) => {
            let bit = bits.first().map(|bit| f64::from(u8::from(*bit)));
            Answer::Value(bit.ok_or_else(|| "an answer without a bit".to_owned()))
        }
    }
}

fn words<E: Display, F: Display>(register: &Register, answer: Result<Result<Vec<u16>, E>, F>) -> Answer {
    match answer {
        Err(why) => Answer::Gone(why.to_string()),
        Ok(Err(why)) => Answer::Value(Err(why.to_string())),
        Ok(Ok(words)) => {
            Answer::Value(register.number(&words).ok_or_else(|| "an answer of too few words".to_owned()))
        }
    }
}
