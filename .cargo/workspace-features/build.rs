//! Nothing to build: the build dependencies unify the features of what procedural macros use.

fn main() {}
