//! How much a property of a resource type costs: the lines that name it, and the places (structs, functions, constants) where
//! they stand.

use std::collections::{BTreeMap, BTreeSet};

/// The figures of one resource type.
pub struct Cost {
    pub file: String,
    pub properties: usize,
    pub lines: usize,
    /// The lines that name a property, and the places, of all properties together.
    pub naming: usize,
    pub places: usize,
}

/// Counts in the code of a type: its file, and those of the folder beside it. `None` if it declares no inputs.
pub fn cost(file: &str, code: &str) -> Option<Cost> {
    let (_, inputs) = code.split_once("pub struct Inputs {\n")?;
    let (inputs, _) = inputs.split_once("\n}")?;
    let properties: Vec<&str> = inputs
        .lines()
        .filter_map(|line| line.strip_prefix("    pub ")?.split(':').next())
        .map(|name| name.trim_start_matches("r#"))
        .collect();
    let words: BTreeMap<String, &str> = properties
        .iter()
        .flat_map(|&name| {
            let spellings = [name.to_owned(), camel_case(name), name.to_uppercase()];
            spellings.map(|spelling| (spelling, name))
        })
        .collect();
    let mut place = String::new();
    let mut naming = 0;
    let mut places: BTreeSet<(&str, String)> = BTreeSet::new();
    for line in code.lines() {
        if let Some(begun) = item(line) {
            begun.clone_into(&mut place);
        }
        if line.trim_start().starts_with("//") {
            continue;
        }
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
        let named: BTreeSet<&str> = line
            .split(|letter| !is_part(letter))
            .map(|word| word.strip_prefix("set_").unwrap_or(word))
            .filter_map(|word| words.get(word).copied())
            .collect();
        naming += named.len();
        places.extend(named.into_iter().map(|name| (name, place.clone())));
    }
    Some(Cost {
        file: file.to_owned(),
        properties: properties.len(),
        lines: code.lines().count(),
        naming,
        places: places.len(),
    })
}

#[test]
fn lines_and_places_of_a_property_are_counted() {
    let code = "pub struct Inputs {\n    pub max_size: i32,\n    pub name: String,\n}\nfn read() {\n    // name\n    max_size: 1,\n    \
                name: 2,\n}\nfn update() {\n    touches(Inputs::MAX_SIZE);\n    set_max_size(3);\n    \"maxSize\"\n}\n";
    let cost = cost("type.rs", code).expect("it has inputs");
    assert_eq!((cost.properties, cost.naming, cost.places), (2, 7, 5));
    assert!(self::cost("none.rs", "pub struct Outputs {\n}\n").is_none());
}

/// The item that begins in a line, at the top of a file or of an `impl`.
fn item(line: &str) -> Option<&str> {
    let indented = line.strip_prefix("    ").unwrap_or(line);
    let mut rest = indented;
    for word in ["pub(super) ", "pub ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let begins = ["fn ", "struct ", "const ", "impl ", "enum "];
    begins
        .iter()
        .any(|begin| rest.starts_with(begin))
        .then_some(rest)
}

fn camel_case(snake: &str) -> String {
    let mut words = snake.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        let (head, tail) = word.split_at(1);
        text + &head.to_uppercase() + tail
    })
}
