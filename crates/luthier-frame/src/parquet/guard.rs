//! Guards against a decoder that panics on damaged bytes.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;

use parquet::errors::ParquetError;

use super::file::unreadable;
use crate::Result;

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Runs code that decodes a file; a panic becomes an error about that file and is not printed.
pub(super) fn guarded<T>(path: &Path, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let report = take_hook();
        set_hook(Box::new(move |info| {
            if !DECODING.get() {
                report(info);
            }
        }));
    });
    let before = DECODING.replace(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(before);
    decoded.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(unreadable(path, damaged(format!("the decoder stopped with `{text}`"))))
    })
}

pub(super) fn damaged(what: String) -> ParquetError {
    ParquetError::General(format!("the file is damaged: {what}"))
}
