//! One message for an error and its causes.

/// The error and its causes, outermost first; a cause that is told already is left out.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message.push_str(": ");
            message.push_str(&cause);
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    #[test]
    fn causes_are_told_once() {
        let error = anyhow!("k is 9").context("stage `pca`: k is 9").context("a.toml:3");
        assert_eq!(super::message(&error), "a.toml:3: stage `pca`: k is 9");
    }
}
