//! The program `luthier`.
fn main() -> std::process::ExitCode {
    luthier_cli::plain_main()
}
