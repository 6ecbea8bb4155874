//! The program luthier.
