# The inner loop. `just` lists the recipes; each is one plain command, so they can be typed without it too.

edit := "cargo --config .cargo/edit.toml"

# What is there
default:
    @just --list

# Does it compile? Seconds after the first time.
check *args='--workspace --tests':
    {{edit}} check --release {{args}}

# One crate's tests, or one test: `just t aula-ledger merkle`
t crate *filter:
    {{edit}} nextest run --release -p {{crate}} {{filter}}

# The program, as it is edited
build:
    {{edit}} build --release --workspace --bins

# The program, as it is shipped and measured
release:
    cargo build --release --locked --workspace

# Formats, then lints as the gate does
lint:
    cargo fmt --all
    cargo clippy --release --locked --workspace --all-targets -- -D warnings

# The whole gate, as CI runs it
gate:
    ./scripts/test.sh

# A consortium on this machine
demo *args:
    ./scripts/demo.sh {{args}}
