//! Patterns of users, such as those of `--target`, and the names that they fit.

/// True if one of the patterns names the resource.
pub fn matches_any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// A pattern names a resource by its whole logical name or by any of its parts that stand together; `*` stands for any
/// text: `database`, `services/api*`, `web`, `api/service`, `*TargetGroup`.
fn matches(pattern: &str, name: &str) -> bool {
    let starts = || std::iter::once(0).chain(name.match_indices('/').map(|(at, _)| at + 1));
    let ends = || {
        name.match_indices('/')
            .map(|(at, _)| at)
            .chain([name.len()])
    };
    starts().any(|start| {
        ends()
            .filter(|end| *end >= start)
            .any(|end| glob(pattern, &name[start..end]))
    })
}

/// Each piece between two `*` is taken where it first fits, which leaves most for the rest: patterns come from files, and to
/// try every place might never end.
fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let head = pieces.next().unwrap_or_default();
    let (Some(mut rest), Some(tail)) = (text.strip_prefix(head), pieces.next_back()) else {
        return pattern == text;
    };
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_sections_and_globs_match() {
        let name = "services/api/taskDefinition";
        for pattern in [
            name,
            "services",
            "services/api",
            "api",
            "api/taskDefinition",
            "services/*",
            "*Definition",
            "ser*api*",
        ] {
            assert!(matches(pattern, name), "{pattern}");
        }
        for pattern in ["service", "services/web", "ap", "", "web*"] {
            assert!(!matches(pattern, name), "{pattern}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("**", "ab", true),
            ("a*", "a", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*ab", "aab", true),
            ("ab*ab", "ab", false),
            ("ab*ba", "abba", true),
            ("a*a", "a", false),
            ("é*", "éa", true),
            ("x*", "éa", false),
            ("", "a", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
        let hostile = "*a".repeat(100_000) + "b";
        assert!(!glob(&hostile, &"a".repeat(1_000)));
    }
}
