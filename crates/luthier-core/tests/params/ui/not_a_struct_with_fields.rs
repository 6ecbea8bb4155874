use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Tuple(f64);

#[derive(Debug, Clone, Params)]
struct Unit;

#[derive(Debug, Clone, Params)]
enum Choice {
    A,
}

fn main() {}
