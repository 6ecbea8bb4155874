use luthier_core::params::ParamEnum;

#[derive(Debug, Clone, ParamEnum)]
enum WithFields {
    Auto,
    Fixed(usize),
}

#[derive(Debug, Clone, ParamEnum)]
struct Struct {}

#[derive(Debug, Clone, ParamEnum)]
enum SameName {
    Auto,
    #[param(rename = "auto")]
    Manual,
    #[param(name = "x")]
    Other,
}

fn main() {}
