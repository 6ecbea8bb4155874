//! What fits of linear models have in common to say.

use luthier_core::{Note, NoteKind};

/// The fit stopped at its limit of iterations.
pub(super) fn not_converged(iterations: usize) -> Note {
    let s = if iterations == 1 { "" } else { "s" };
    let message = format!(
        "the fit stopped after {iterations} iteration{s} before it converged: raise max_iter, or bring the features to \
         one scale"
    );
    Note::new(NoteKind::NotConverged, message)
}
