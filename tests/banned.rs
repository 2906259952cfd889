// What must never compile in zk, twin-runtime and ledger. This file is data of tests/tests/bans.rs: each
// line that ends in a marker must be refused by clippy under each crate's own configuration.

pub fn unordered() -> std::collections::HashMap<u8, u8> { //~ disallowed_types
    Default::default()
}

pub fn unordered_set() -> std::collections::HashSet<u8> { //~ disallowed_types
    Default::default()
}

pub fn single(x: f32) -> bool { //~ disallowed_types
    x > 0.0
}

pub fn double(x: f64) -> bool { //~ disallowed_types
    x > 0.0
}

pub fn float_sum() -> u8 {
    (0.5 + 0.5) as u8 //~ float_arithmetic
}

pub fn stopwatch() -> std::time::Instant { //~ disallowed_types
    std::time::Instant::now() //~ disallowed_types
}

pub fn wall_clock() -> std::time::SystemTime { //~ disallowed_types
    std::time::SystemTime::now() //~ disallowed_types
}

pub fn thread() {
    let _ = std::thread::spawn(|| ()); //~ disallowed_methods
}

pub fn environment() -> Option<std::ffi::OsString> {
    std::env::var_os("HOME") //~ disallowed_methods
}

pub fn file() -> Vec<u8> {
    std::fs::read("x").unwrap_or_default() //~ disallowed_methods
}

pub fn open_file() -> bool {
    std::fs::File::open("x").is_ok() //~ disallowed_types
}
