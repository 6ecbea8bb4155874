//! The program luthier with the stages and the evaluator of acme.

// Without this line the linker would drop the crate, and its stages with it.
use acme as _;

fn main() -> std::process::ExitCode {
    luthier_cli::main()
}
