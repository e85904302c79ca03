//! Stack files that mean harm, each with the fault for which it is refused.

/// A hostile stack file.
#[derive(Debug, Clone, Copy)]
pub struct Hostile {
    pub name: &'static str,
    /// Its fault, as in `fde::stack::alias`; there may be others.
    pub code: &'static str,
    /// Made when it is needed: some are large.
    pub text: fn() -> Vec<u8>,
    /// True if it stands below a harmless file, which `extends` it.
    pub below: bool,
    /// True if it has to be read to be refused, and is as long as a stack file may be.
    pub full: bool,
}

/// The lines that a stack needs, but for resources.
pub const HEAD: &str = "name: shop\nenvironment: dev\nregion: eu-south-2\n";

/// The most bytes of a stack file, more or less.
const MEBIBYTE: usize = 1 << 20;

const LARGE: usize = 100_000_000;

const fn hostile(name: &'static str, code: &'static str, text: fn() -> Vec<u8>) -> Hostile {
    Hostile {
        name,
        code,
        text,
        below: false,
        full: false,
    }
}

const fn full(name: &'static str, code: &'static str, text: fn() -> Vec<u8>) -> Hostile {
    Hostile {
        full: true,
        ..hostile(name, code, text)
    }
}

const fn below(hostile: Hostile) -> Hostile {
    Hostile {
        below: true,
        ..hostile
    }
}

/// Something after the head.
fn after_head(text: &str) -> Vec<u8> {
    [HEAD, text].concat().into_bytes()
}

/// Many things after the head.
fn many(count: usize, line: impl Fn(usize) -> String) -> Vec<u8> {
    after_head(&(0..count).map(line).collect::<String>())
}

/// Many resources.
fn resources(count: usize, line: impl Fn(usize) -> String) -> Vec<u8> {
    let lines: String = (0..count).map(line).collect();
    after_head(&format!("resources:\n{lines}"))
}

/// Ten values, each of which stands for ten, and so on.
fn laughs() -> Vec<u8> {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    after_head(&text)
}

/// A sound stack, and a long comment.
fn large() -> Vec<u8> {
    let mut text = after_head("resources: {}\n");
    text.resize(LARGE, b'#');
    text
}

const LAUGHS: Hostile = hostile("aliases that multiply", "alias", laughs);
const LARGE_FILE: Hostile = hostile("100 MB", "too_large", large);

pub const ALL: &[Hostile] = &[
    LAUGHS,
    below(LAUGHS),
    hostile("200,000 aliases", "alias", || {
        after_head(&format!("a: &a x\nb: [{}]", "*a,".repeat(200_000)))
    }),
    hostile("an alias in what it stands for", "alias", || {
        after_head("a: &a [*a]\n")
    }),
    hostile("100,000 brackets", "too_deep", || {
        after_head(&format!("a: {}", "[".repeat(100_000)))
    }),
    hostile("100,000 braces", "too_deep", || {
        after_head(&format!("a: {}", "{a: ".repeat(100_000)))
    }),
    hostile("100,000 lists in lists", "too_deep", || {
        after_head(&format!("a:\n  {}", "- ".repeat(100_000)))
    }),
    hostile("1,300 maps in maps", "too_deep", || {
        many(1_300, |n| " ".repeat(n) + "a:\n")
    }),
    LARGE_FILE,
    below(LARGE_FILE),
    full("1 MiB of numbers", "too_large", || {
        after_head(&format!("a: [{}]", "1,".repeat(MEBIBYTE / 2 - 100)))
    }),
    full("1 MiB in a word", "wrong_type", || {
        "x".repeat(MEBIBYTE).into_bytes()
    }),
    full("1 MiB in a key", "unknown_key", || {
        after_head(&format!("? {}\n: 1\n", "x".repeat(MEBIBYTE - 100)))
    }),
    full("1 MiB in a value", "out_of_range", || {
        let name = "x".repeat(MEBIBYTE - 100);
        format!("name: {name}\nenvironment: dev\nregion: eu-south-2\n").into_bytes()
    }),
    full("1 MiB without a closing quote", "syntax", || {
        after_head(&format!("a: \"{}", "x".repeat(MEBIBYTE - 100)))
    }),
    full("60,000 duplicate keys", "duplicate_key", || {
        let tags = (0..60_000).map(|n| format!("  key{}: x\n", n % 30_000));
        after_head(&format!("tags:\n{}", tags.collect::<String>()))
    }),
    full("60,000 unknown keys", "unknown_key", || {
        many(60_000, |n| format!("k{n}: 1\n"))
    }),
    full("15,000 broken resources", "unknown_type", || {
        resources(15_000, |n| {
            format!("  r{n}: {{ type: x, properties: {{ a: \"${{b{n}.c}}\" }} }}\n")
        })
    }),
    full("10,000 topics in a ring", "cycle", || {
        resources(10_000, |n| {
            let next = (n + 1) % 10_000;
            format!(
                "  r{n}: {{ type: aws:sns:Topic, properties: {{ displayName: \"${{r{next}.name}}\" }} }}\n"
            )
        })
    }),
    full("20,000 secrets beside a fault", "unknown_key", || {
        many(20_000, |n| format!("k{n}: {{ secretString: x }}\n"))
    }),
    full("60,000 secrets in a line", "unknown_key", || {
        after_head(&format!("a: [{}]\n", "{secretString: },".repeat(60_000)))
    }),
    full("20,000 subnets", "zones", || {
        let subnets = "10.0.0.0/24,".repeat(20_000);
        after_head(&format!(
            "network: {{ cidr: 10.0.0.0/16, privateSubnets: [{subnets}] }}\n"
        ))
    }),
    full(
        "300,000 beginnings of references",
        "malformed_reference",
        || {
            let label = "${".repeat(300_000);
            after_head(&format!(
                "resources:\n  t: {{ type: aws:sns:Topic, properties: {{ displayName: '{label}' }} }}\n"
            ))
        },
    ),
    hostile("a file that extends itself", "extends", || {
        after_head("extends: dev.yaml\n")
    }),
    hostile("NUL", "control_character", || {
        after_head("description: a\0b\n")
    }),
    hostile("1 MiB of NUL", "control_character", || vec![0; MEBIBYTE]),
    hostile("a text that is read backwards", "control_character", || {
        after_head("description: \"\u{202e}gnihtemos\"\n")
    }),
    hostile(
        "300,000 bidirectional controls",
        "control_character",
        || after_head(&"\u{202e}".repeat(300_000)),
    ),
    hostile("an escape sequence", "control_character", || {
        after_head("description: \"\u{1b}[2J\u{1b}]0;owned\u{7}\"\n")
    }),
    hostile(
        "an escape sequence of one byte more",
        "control_character",
        || after_head("description: \"\u{9b}2J\"\n"),
    ),
    hostile("an escape sequence in escapes", "control_character", || {
        after_head("description: \"\\e[2J\\x1b]0;owned\\a\"\n")
    }),
    hostile("an escape sequence in a key", "control_character", || {
        after_head("\"\\e[2J\": 1\n")
    }),
    hostile("a line separator", "control_character", || {
        after_head("description: a\u{2028}b\n")
    }),
    hostile("bytes that are no text", "unreadable", || {
        vec![0xff; MEBIBYTE]
    }),
    hostile("UTF-16", "unreadable", || {
        let units = HEAD.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect()
    }),
];

impl Hostile {
    /// The files of its stack, below the directory of stacks, the stack's own first.
    pub fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let text = (self.text)();
        if self.below {
            let above = format!("{HEAD}extends: below.yaml\n");
            vec![("dev.yaml", above.into_bytes()), ("below.yaml", text)]
        } else {
            vec![("dev.yaml", text)]
        }
    }
}
