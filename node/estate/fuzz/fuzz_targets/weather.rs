//! Weather of EnergyPlus (EPW) and the hours that the hourly method takes: refused with a place, or run for a year without a panic.

#![no_main]

use aula_estate::energy::simulate::{run_inputs, run_weather};
use aula_estate::energy::weather::read_epw;
use aula_estate::energy::{read_building, read_inputs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let office = br#"{"params":{"window_area":4.0,"walls_area":11.0,"floor_area":35.0,"room_vol":105,
     "total_internal_area":142.0,"u_walls":0.2,"u_windows":1.1,"ach_vent":1.5,"ach_infl":0.5,"ventilation_efficiency":0.6,
     "thermal_capacitance_per_floor_area":165000,"t_set_heating":20.0,"t_set_cooling":26.0}}"#;
    let office = read_building(office).expect("an office");
    match first % 4 {
        0 => {
            // A header and one line, which a year repeats.
            let mut lines: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
            let Some(hour) = lines.pop() else { return };
            let mut whole = lines.join(&b'\n');
            (0..8760).for_each(|_| whole.extend([b"\n", hour].concat()));
            if let Ok(weather) = read_epw(&whole) {
                run_weather(&office, &weather, None);
            }
        }
        1 => drop(read_epw(rest)),
        2 => {
            if let Ok(inputs) = read_inputs(rest, &office) {
                run_inputs(&office, &inputs);
            }
        }
        _ => {
            if let Ok(building) = read_building(rest)
                && let Ok(inputs) = read_inputs(b"t_out_c,internal_gains_w,solar_gains_w\n-5,100,20\n30,0,900\n", &building)
            {
                run_inputs(&building, &inputs);
            }
        }
    }
});
