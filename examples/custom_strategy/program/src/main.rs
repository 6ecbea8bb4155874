//! The program luthier with the strategy of acme.

// Without this line the linker would drop the crate, and its strategy with it.
use acme_strategy as _;

fn main() -> std::process::ExitCode {
    luthier_cli::main()
}
