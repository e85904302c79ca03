//! `--set` and `--set-new`: values that override the file.

use super::error::{FLAGS, Fault, Span, StackError};
use super::node::{Content, Entry, Node};
use super::redact::HIDDEN;
use super::section::Sections;
use super::{limits, parse};
use crate::resource::nearest::nearest;
use crate::resource::path::{self, Path, Segment};

/// The deepest path that a flag may have.
const MAX_FLAG_DEPTH: usize = limits::MAX_DEPTH / 2;

/// `--set path.to.key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    pub text: String,
    /// True for `--set-new`, which may add a section, a service or a resource.
    pub adds: bool,
}

impl Flag {
    /// `--set`: changes what the file declares.
    pub fn set(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            adds: false,
        }
    }

    /// `--set-new`.
    pub fn set_new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            adds: true,
        }
    }

    pub fn name(&self) -> &'static str {
        FLAGS[usize::from(self.adds)]
    }
}

/// Lays `path.to.key=value` over the stack; `index` is the flag's index among the sources.
pub fn put(
    root: Node,
    flag: &Flag,
    index: u32,
    sections: &Sections,
) -> Result<Node, Vec<StackError>> {
    let text = &flag.text;
    let refuse = |range: std::ops::Range<usize>, label: &str| {
        let form = format!("write it as `{} path.to.key=value`", flag.name());
        vec![StackError::new(Fault::SetFlag, Span::new(index, range), label).help(form)]
    };
    limits::check(index, text)?;
    let (path, rest) = Path::scan(text, path::is_plain)
        .map_err(|reason| refuse(0..text.find('=').unwrap_or(text.len()), reason))?;
    let equals = text.len() - rest.len();
    let Some(value) = rest.strip_prefix('=') else {
        return Err(match text[equals..].find('=') {
            Some(length) => refuse(
                0..equals + length,
                "the path takes keys with dots between them; quote others, `[\"a key\"]`",
            ),
            None => refuse(0..text.len(), "has no `=`"),
        });
    };
    if value.contains(HIDDEN) {
        let label = "stands for a value that is not shown";
        let error = StackError::new(
            Fault::SetFlag,
            Span::new(index, equals + 1..text.len()),
            label,
        );
        return Err(vec![error.help("write the value itself in its place")]);
    }
    if path.len() > MAX_FLAG_DEPTH {
        return Err(refuse(0..equals, "leads too deep"));
    }
    let path_span = Span::new(index, 0..equals);
    if path.first() == Some("extends") {
        let label = "layers are read before flags are";
        let error = StackError::new(Fault::SetFlag, path_span, label);
        return Err(vec![
            error.help("write it in a file, and take that for the stack"),
        ]);
    }
    if !flag.adds
        && let Some(error) = undeclared(&root, &path, path_span, sections)
    {
        return Err(vec![error]);
    }
    // Blanks instead of the path keep the positions in the value those of the whole flag.
    let blanked = format!("{}{value}", " ".repeat(equals + 1));
    let content = match parse::parse(index, &blanked) {
        Ok((node, faults)) if faults.is_empty() => node.content,
        // It is not YAML, and need not be: where a text is wanted, it is one.
        _ => Content::Text(value.to_owned()),
    };
    let value = Node::new(Span::new(index, equals + 1..text.len()), content);
    put_at(root, path.segments(), value, path_span).map_err(|reason| refuse(0..equals, &reason))
}

/// Refuses a flag that would make something that the file does not declare: more likely a typo than a wish.
fn undeclared(root: &Node, path: &Path, span: Span, sections: &Sections) -> Option<StackError> {
    let key = path.first()?;
    let section = sections
        .get(key)
        .filter(|section| section.makes_resources)?;
    let declared = root.get(key).map(Node::entries);
    let (label, known, name) = match (declared, path.segments().get(1)) {
        (None, _) => (format!("the file has no `{key}`"), Vec::new(), key.into()),
        (Some(entries), Some(name)) if section.of_entries => {
            let name = name.as_key();
            let known = entries.iter().filter(|entry| !entry.value.is_null());
            let known: Vec<&str> = known.map(|entry| entry.key.as_str()).collect();
            if known.contains(&&*name) {
                return None;
            }
            (format!("`{key}` has no `{name}`"), known, name)
        }
        _ => return None,
    };
    let add = format!("write `--set-new` instead of `--set` to add `{name}`");
    let help = match nearest(&name, known.iter().copied()) {
        Some(nearest) => {
            let mut meant = Path::from(&path.segments()[..1]).key(nearest);
            for segment in &path.segments()[2..] {
                meant = meant.with(segment.clone());
            }
            format!("did you mean `{meant}`? Otherwise {add}")
        }
        None => add,
    };
    Some(StackError::new(Fault::SetFlag, span, label).help(help))
}

/// The tree with `value` at a path, maps made on the way.
fn put_at(node: Node, path: &[Segment], value: Node, span: Span) -> Result<Node, String> {
    let Some((step, rest)) = path.split_first() else {
        return Ok(value);
    };
    let key = step.as_key();
    let nothing = || Node::new(span, Content::Null);
    let content = match node.content {
        Content::Map(mut entries) => {
            match entries.iter_mut().find(|entry| entry.key == key) {
                Some(entry) => {
                    let inner = std::mem::replace(&mut entry.value, nothing());
                    entry.value = put_at(inner, rest, value, span)?;
                    entry.key_span = span;
                }
                None => entries.push(Entry {
                    key: key.into_owned(),
                    key_span: span,
                    value: put_at(nothing(), rest, value, span)?,
                }),
            }
            Content::Map(entries)
        }
        Content::List(mut items) => {
            let count = items.len();
            let item = step
                .as_index()
                .and_then(|index| items.get_mut(index))
                .ok_or_else(|| {
                    let entries = if count == 1 { "entry" } else { "entries" };
                    format!("a list of {count} {entries} has no `{key}`; the first is `0`")
                })?;
            let inner = std::mem::replace(item, nothing());
            *item = put_at(inner, rest, value, span)?;
            Content::List(items)
        }
        Content::Null => {
            let value = put_at(nothing(), rest, value, span)?;
            let entry = Entry {
                key: key.into_owned(),
                key_span: span,
                value,
            };
            return Ok(Node::new(span, Content::Map(vec![entry])));
        }
        _ => return Err(format!("`{key}` lies in a single value, not in a map")),
    };
    Ok(Node::new(node.span, content))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::component::SECTIONS;
    use crate::component::testing::{faults, load, with_head};
    use crate::stack::StackErrors;
    use crate::stack::testing::check;

    #[test]
    fn flags() {
        check(
            &[(
                "dev.yaml",
                "services: { api: { image: old, routes: [a, b] } }\n",
            )],
            &[
                "services.api.image=2024-06-01-abc123",
                "services.api.routes[1]=c",
                "new services.web.scaling={ min: 2, max: 3 }",
                "tags.a\\.b=true",
                "tags[\"a=b.c\"]=1",
                "name=x=y",
                "empty=",
            ],
            &expect![[
                r#"{services: {api: {image: "2024-06-01-abc123", routes: ["a", "c"]}, web: {scaling: {min: 2, max: 3}}}, tags: {a.b: true, a=b.c: 1}, name: "x=y", empty: null}"#
            ]],
        );
        let text = "name: shop\nlist: [1]\n";
        let files = [("dev.yaml", text)];
        check(
            &files,
            &["name"],
            &expect![[r#"
            --set1:1 set_flag `name`: has no `=`
                help: write it as `--set path.to.key=value`
        "#]],
        );
        check(
            &files,
            &["=x"],
            &expect![[r#"
            --set1:1 set_flag ``: has an empty key
                help: write it as `--set path.to.key=value`
        "#]],
        );
        check(
            &files,
            &["a..b=1"],
            &expect![[r#"
            --set1:1 set_flag `a..b`: has an empty key
                help: write it as `--set path.to.key=value`
        "#]],
        );
        check(
            &files,
            &["name.x=1"],
            &expect![[r#"
            --set1:1 set_flag `name.x`: `x` lies in a single value, not in a map
                help: write it as `--set path.to.key=value`
        "#]],
        );
        check(
            &files,
            &["list[7]=1"],
            &expect![[r#"
            --set1:1 set_flag `list[7]`: a list of 1 entry has no `7`; the first is `0`
                help: write it as `--set path.to.key=value`
        "#]],
        );
        check(
            &files,
            &["a=["],
            &expect![[r#"{name: "shop", list: [1], a: "["}"#]],
        );
        check(
            &files,
            &["a=x\u{1b}"],
            &expect![[r#"
            --set1:4 control_character `\u{1b}`: U+001B, a control character
        "#]],
        );
    }

    /// The form in which a command line to be copied shows it.
    #[test]
    fn the_sign_of_a_hidden_value_is_no_value() {
        let files = [("dev.yaml", "name: shop\n")];
        check(
            &files,
            &["token=[secret]"],
            &expect![[r#"
            --set1:7 set_flag `[secret]`: stands for a value that is not shown
                help: write the value itself in its place
        "#]],
        );
        check(
            &files,
            &["extends=base.yaml"],
            &expect![[r#"
            --set1:1 set_flag `extends`: layers are read before flags are
                help: write it in a file, and take that for the stack
        "#]],
        );
        check(
            &files,
            &["token=hunter2"],
            &expect![[r#"{name: "shop", token: "hunter2"}"#]],
        );
    }

    const SHOP: &str =
        "network: {}\nservices: { api: { port: 8000, default: true } }\nloadBalancer: {}\n";

    /// The faults of a stack with flags over it, or its service as it is in the section.
    fn with_flags(flags: &[&str]) -> String {
        let text = with_head(SHOP);
        match load(&[("dev.yaml", &text)], flags) {
            Ok(stack) if stack.faults().is_empty() => {
                stack.section("services").unwrap()["api"].to_string()
            }
            Ok(stack) => {
                let errors = StackErrors::new(stack.sources(), stack.faults().to_vec());
                faults(&errors, 3)
            }
            Err(errors) => faults(&errors, 3),
        }
    }

    #[test]
    fn a_flag_changes_what_the_file_declares_and_adds_nothing() {
        let refused: Vec<String> = [
            "services.apu.image=v9",
            "services.worker.image=v9",
            "services.apu={ port: 1 }",
            "database.multiAz=true",
            "monitoring={}",
            "resources.bucket.type=aws:s3:Bucket",
            "resources={}",
        ]
        .iter()
        .map(|flag| with_flags(&[flag]))
        .collect();
        expect![[r#"
            --set1:1 set_flag `services.apu.image`: `services` has no `apu`
                help: did you mean `services.api.image`? Otherwise write `--set-new` instead of `--set` to add `apu`
            --set1:1 set_flag `services.worker.image`: `services` has no `worker`
                help: write `--set-new` instead of `--set` to add `worker`
            --set1:1 set_flag `services.apu`: `services` has no `apu`
                help: did you mean `services.api`? Otherwise write `--set-new` instead of `--set` to add `apu`
            --set1:1 set_flag `database.multiAz`: the file has no `database`
                help: write `--set-new` instead of `--set` to add `database`
            --set1:1 set_flag `monitoring`: the file has no `monitoring`
                help: write `--set-new` instead of `--set` to add `monitoring`
            --set1:1 set_flag `resources.bucket.type`: the file has no `resources`
                help: write `--set-new` instead of `--set` to add `resources`
            --set1:1 set_flag `resources`: the file has no `resources`
                help: write `--set-new` instead of `--set` to add `resources`
        "#]].assert_eq(&refused.join(""));
        // Entries that already exist beside it, or are checked by name, are not new.
        for flag in [
            "services.api.environment.NEW=x",
            "services.api.scaling.min=1",
            "tags.team=blue",
            "outputs.x=y",
            "options.services/api.protect=true",
            "network=null",
        ] {
            assert!(with_flags(&[flag]).starts_with('{'), "{flag}");
        }
    }

    #[test]
    fn a_new_service_wants_a_flag_of_its_own() {
        let text = with_head(SHOP);
        let flags = [
            Flag::set_new("services.worker.image=b/c:1"),
            Flag::set("services.worker.cpu=512"),
            Flag::set_new("database.multiAz=true"),
            Flag::set_new("services.api.cpu=512"),
        ];
        let read = |_: &str| Ok(text.clone());
        let stack = crate::stack::load("dev.yaml", &read, &flags, &SECTIONS).unwrap();
        assert_eq!(stack.section("services").unwrap()["worker"]["cpu"], 512);
        assert_eq!(stack.section("services").unwrap()["api"]["cpu"], 512);
        assert_eq!(stack.section("database").unwrap()["multiAz"], true);
        // The first flag that names it decides; one that comes too early is refused.
        let early = [Flag::set("services.worker.cpu=512"), flags[0].clone()];
        assert!(crate::stack::load("dev.yaml", &read, &early, &SECTIONS).is_err());
    }

    #[test]
    fn whatever_follows_the_equals_sign_is_text_for_a_text_key() {
        for value in [
            "6063e25",
            "1e400",
            "0x1F",
            "null",
            "~",
            "true",
            "1.10",
            "a: b",
            "[a",
            "{",
            "*x",
            "&x",
            "!x",
            "%x",
            "@x",
            "\"v9",
            "'v9'",
            "# not",
            "a # b",
            " x ",
            "a=b",
            "{\"a\": [1, 1], \"a\": 2}",
            "- a",
            "99999999999999999999",
            "",
        ] {
            let made = with_flags(&[&format!("services.api.environment.X={value}")]);
            let made: serde_json::Value =
                serde_json::from_str(&made).unwrap_or_else(|_| panic!("{value}: {made}"));
            assert_eq!(made["environment"]["X"], value);
        }
        let shown: Vec<String> = [
            "services.api.image=6063e25",
            "services.api.image=null",
            "services.api.port=8001",
            "services.api.port=null",
            "services.api.imageTags=null",
            "services.api.port=08000",
            "services.api.port=",
            "services.api.port=[",
            "services.api.port=99999999999999999999",
            "services.api.routes=[/a, /b]",
            "services.api.routes=/a",
            "services.api.routes={",
            "services.api.environment={ A: 1, B: on }",
            "services.api.environment[\"spring.datasource.url\"]=x",
            "services.api.environment.spring.datasource.url=x",
            "services.api.default=yes",
            "services.api.scaling.min=",
        ]
        .iter()
        .map(|flag| {
            format!(
                "{flag}\n  {}",
                with_flags(&[flag]).trim_end().replace('\n', "\n  ")
            )
        })
        .collect();
        expect![[r#"
            services.api.image=6063e25
              {"default":true,"image":"6063e25","port":8000}
            services.api.image=null
              {"default":true,"image":"null","port":8000}
            services.api.port=8001
              {"default":true,"port":8001}
            services.api.port=null
              {"default":true}
            services.api.imageTags=null
              {"default":true,"port":8000}
            services.api.port=08000
              --set1:19 wrong_type `08000`: `services.api.port` takes a whole number from 1 to 65535, not a text
                  help: write it as a plain number: 8000
            services.api.port=
              --set1:1 no_value `services.api.port`: `services.api.port` has no value
                  help: write the value, or leave the key out
            services.api.port=[
              --set1:19 wrong_type `[`: `services.api.port` takes a whole number from 1 to 65535, not a text
            services.api.port=99999999999999999999
              --set1:19 number `99999999999999999999`: is too large, or no number at all
            services.api.routes=[/a, /b]
              {"default":true,"port":8000,"routes":["/a","/b"]}
            services.api.routes=/a
              --set1:21 wrong_type `/a`: `services.api.routes` takes a list, not a text
                  help: write it as a list: ["/a"]
            services.api.routes={
              --set1:21 wrong_type `{`: `services.api.routes` takes a list, not a text
                  help: write it as a list: ["{"]
            services.api.environment={ A: 1, B: on }
              {"default":true,"environment":{"A":"1","B":"on"},"port":8000}
            services.api.environment["spring.datasource.url"]=x
              {"default":true,"environment":{"spring.datasource.url":"x"},"port":8000}
            services.api.environment.spring.datasource.url=x
              --set1:1 wrong_type `services.api.environment.spring.datasource.url`: `services.api.environment.spring` takes a text, a number or a boolean, not a map
                  help: if the key has dots of its own, quote it: `--set 'services.api.environment["spring.datasource.url"]=…'`
            services.api.default=yes
              --set1:22 wrong_type `yes`: `services.api.default` takes `true` or `false`, not a text
                  help: write `true`, without quotes
            services.api.scaling.min=
              --set1:1 no_value `services.api.scaling.min`: `services.api.scaling.min` has no value
                  help: write the value, or leave the key out"#]].assert_eq(&shown.join("\n"));
    }

    #[test]
    fn a_flag_gives_text_where_text_is_wanted() {
        let text = with_head("");
        let stack = load(
            &[("dev.yaml", &text)],
            &["account=123456789012", "tags.build=42"],
        )
        .unwrap();
        assert_eq!(stack.account.as_deref(), Some("123456789012"));
        assert_eq!(stack.tags["build"], "42");
        let errors = load(&[("dev.yaml", &text)], &["region=spain"]).unwrap_err();
        expect![[r#"
            --set1:8 region `spain`: is not of the form `eu-south-2`
        "#]]
        .assert_eq(&faults(&errors, 3));
    }
}
