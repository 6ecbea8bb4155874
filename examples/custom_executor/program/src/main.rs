//! The program luthier with the executor of acme.

// Without this line the linker would drop the crate, and its executor with it.
use acme_executor as _;

fn main() -> std::process::ExitCode {
    luthier_cli::main()
}
