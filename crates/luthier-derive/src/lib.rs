//! The derive macros of luthier-core.
