//! Patterns for train names: `*` is any text, `?` one character, everything else itself.
//!
//! Two wildcards do not earn a dependency; case counts, and there is no way to quote because no train has a star.

/// One pattern of the rules file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob(String);

impl Glob {
    pub(super) fn new(pattern: String) -> Self {
        Self(pattern)
    }

    /// Whether the whole of `name` fits. Linear in practice: only the last star is ever tried again.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut name) = (self.0.chars(), name.chars());
        let mut last_star = None;
        loop {
            let name_here = name.clone();
            match (pattern.next(), name.next()) {
                (None, None) => return true,
                (Some('*'), _) => {
                    last_star = Some((pattern.clone(), name_here.clone()));
                    name = name_here;
                }
                (Some('?'), Some(_)) => {}
                (Some(wanted), Some(found)) if wanted == found => {}
                _ => {
                    // The last star takes one character more, if there is one.
                    let Some((after_star, taken_to)) = &mut last_star else { return false };
                    if taken_to.next().is_none() {
                        return false;
                    }
                    pattern = after_star.clone();
                    name = taken_to.clone();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, fits) in [
            ("G*", "G1001", true),
            ("G*", "G", true),
            ("G*", "D1", false),
            ("ICE *", "ICE 1672", true),
            ("ICE *", "ICE", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("G?", "G1", true),
            ("G?", "G12", false),
            ("?", "ü", true),
            ("*1*1", "a1b11", true),
            ("*ab", "aab", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("**", "x", true),
            ("x", "X", false),
        ] {
            assert_eq!(Glob::new(pattern.into()).matches(name), fits, "{pattern} on {name}");
        }
    }
}
