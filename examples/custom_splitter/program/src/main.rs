//! The program luthier with the splitter of acme.

// Without this line the linker would drop the crate, and its splitter with it.
use acme_splitter as _;

fn main() -> std::process::ExitCode {
    luthier_cli::main()
}
