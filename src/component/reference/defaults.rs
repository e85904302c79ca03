//! The defaults that the descriptions of keys give, by environment.

/// The environments, in the order of the tables.
pub const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

/// Reads `20 in dev, 50 in staging and prod`. A single value without an environment is that of all; an environment that is
/// not named has the value `otherwise`. `None` for text of any other form.
pub fn by_environment(text: &str, otherwise: &str) -> Option<[String; ENVIRONMENTS.len()]> {
    if literal(text).is_some() {
        return Some(ENVIRONMENTS.map(|_| text.to_owned()));
    }
    let mut values = ENVIRONMENTS.map(|_| None);
    for piece in text.split(", ") {
        let (value, environments) = piece.rsplit_once(" in ")?;
        for environment in environments.split(" and ") {
            let at = ENVIRONMENTS
                .iter()
                .position(|known| *known == environment)?;
            values[at] = Some(value.to_owned());
        }
    }
    Some(values.map(|value| value.unwrap_or_else(|| otherwise.to_owned())))
}

/// The value that a text gives word for word: a number, a truth, or what stands in backticks. `None` for prose.
pub fn literal(text: &str) -> Option<&str> {
    if text == "true" || text == "false" || text.parse::<f64>().is_ok() {
        return Some(text);
    }
    let inside = text.strip_prefix('`')?.strip_suffix('`')?;
    (!inside.contains('`')).then_some(inside)
}
