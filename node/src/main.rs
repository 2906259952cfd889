//! The program `aula`: parses the command line, runs one subcommand, prints its answer, exits 0, 1, 2 or 3.

use std::process::ExitCode;

fn main() -> ExitCode {
    aula_node::program::main()
}
