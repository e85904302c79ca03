//! Inputs made from other inputs, by a seed.

use fde_infra::testing::Random;
use serde_json::{Value as Json, json};

/// Makes something new of one input, with parts of another and words of the dictionary.
pub fn bytes(random: &mut Random, inputs: &[Vec<u8>], words: &[Vec<u8>]) -> Vec<u8> {
    let mut data = random.pick(inputs).cloned().unwrap_or_default();
    for _ in 0..=random.below(3) {
        match random.below(12) {
            0 => flip(random, &mut data),
            1 => {
                let range = range(random, data.len());
                data.drain(range);
            }
            2 => {
                let range = range(random, data.len());
                let copy = data[range].to_vec();
                insert(random, &mut data, &copy);
            }
            3 => {
                let other = random.pick(inputs).cloned().unwrap_or_default();
                let range = range(random, other.len());
                insert(random, &mut data, &other[range]);
            }
            4 => {
                let range = range(random, data.len());
                let word = random.pick(words).cloned().unwrap_or_default();
                data.splice(range, word);
            }
            5 => swap_lines(random, &mut data),
            6..=9 => replace_value(random, &mut data, words),
            _ => {
                let word = random.pick(words).cloned().unwrap_or_default();
                insert(random, &mut data, &word);
            }
        }
    }
    data
}

fn flip(random: &mut Random, data: &mut [u8]) {
    let at = random.below(data.len());
    if let Some(byte) = data.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

fn insert(random: &mut Random, data: &mut Vec<u8>, part: &[u8]) {
    let at = random.below(data.len() + 1);
    data.splice(at..at, part.iter().copied());
}

/// A short piece, mostly.
fn range(random: &mut Random, length: usize) -> std::ops::Range<usize> {
    let start = random.below(length);
    let longest = if random.once_in(4) { length } else { 12 };
    let end = length.min(start + random.below(longest + 1));
    start..end
}

fn swap_lines(random: &mut Random, data: &mut Vec<u8>) {
    let mut lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let (left, right) = (random.below(lines.len()), random.below(lines.len()));
    lines.swap(left, right);
    *data = lines.join(&b'\n');
}

/// Gives one key of a YAML text another value, which leaves most of the text sound.
fn replace_value(random: &mut Random, data: &mut Vec<u8>, words: &[Vec<u8>]) {
    let colons: Vec<usize> = (0..data.len()).filter(|at| data[*at] == b':').collect();
    let Some(&colon) = random.pick(&colons) else {
        return;
    };
    let ends = |byte: &u8| matches!(byte, b'\n' | b',' | b'}' | b']');
    let rest = &data[colon + 1..];
    let end = colon + 1 + rest.iter().position(ends).unwrap_or(rest.len());
    let word = random.pick(words).cloned().unwrap_or_default();
    data.splice(colon + 1..end, [b" ".to_vec(), word].concat());
}

/// Makes something new of one JSON text, with parts of another: still JSON.
pub fn json(random: &mut Random, inputs: &[Vec<u8>]) -> Vec<u8> {
    let parsed = |input: &Vec<u8>| serde_json::from_slice(input).unwrap_or(Json::Null);
    let mut value = random.pick(inputs).map_or(Json::Null, parsed);
    let other = random.pick(inputs).map_or(Json::Null, parsed);
    for _ in 0..=random.below(4) {
        let side = *random.pick(&["wanted", "live"]).unwrap_or(&"live");
        let from = if random.once_in(4) { &other } else { &value };
        let names = from[side].as_object().into_iter().flat_map(|s| s.keys());
        let names: Vec<String> = names.cloned().collect();
        let Some(name) = random.pick(&names) else {
            continue;
        };
        change(random, &mut value[side][name], &other[side][name]);
    }
    value.to_string().into_bytes()
}

/// Changes one place in a value.
fn change(random: &mut Random, value: &mut Json, other: &Json) {
    let descend = !random.once_in(4);
    match value {
        Json::Object(fields) if descend && !fields.is_empty() => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = random.pick(&names).cloned().unwrap_or_default();
            if random.once_in(8) {
                fields.remove(&name);
            } else if let Some(field) = fields.get_mut(&name) {
                change(random, field, &other[&name]);
            }
        }
        Json::Array(values) if descend && !values.is_empty() => {
            let at = random.below(values.len());
            match random.below(6) {
                0 => drop(values.remove(at)),
                1 => values.push(values[at].clone()),
                2 => values.rotate_left(at),
                _ => change(random, &mut values[at], other),
            }
        }
        value => {
            let others = [
                other.clone(),
                Json::Null,
                json!(true),
                json!(-1),
                json!(1e300),
                json!(""),
                json!("${x.y}"),
                json!("{\"Statement\":[{\"Action\":[\"b\",\"a\"]}]}"),
                json!("\u{1b}[31m\u{202e}"),
                json!([]),
                json!([[]]),
                json!({}),
                json!({ "name": null }),
                json!([value.clone(), value.clone()]),
                json!({ "x": value.clone() }),
            ];
            *value = random.pick(&others).cloned().unwrap_or_default();
        }
    }
}
