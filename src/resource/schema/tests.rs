use super::*;
use crate::resource::Value;
use crate::resource::value::properties;

#[test]
fn defaults_fill_what_the_author_left_out_and_names_have_the_letters_that_aws_keeps() {
    #[derive(schemars::JsonSchema)]
    struct Inputs {}
    let schema = Schema::new::<Inputs>("t:t:T", CreateClass::NaturalKey).properties([
        Property::new("a").default(true),
        Property::new("b").default(Value::object([("x", 1.into()), ("y", 2.into())])),
        Property::new("c"),
        Property::new("d").server_chooses(),
        Property::new("e").lower_cased(),
        Property::new("f"),
    ]);
    let inputs = properties([
        ("b", Value::object([("y", 3.into())])),
        ("c", Value::Null),
        ("e", "Shop".into()),
        ("f", "Shop".into()),
    ]);
    assert_eq!(
        schema.with_defaults(inputs),
        properties([
            ("a", true.into()),
            ("b", Value::object([("x", 1.into()), ("y", 3.into())])),
            ("e", "shop".into()),
            ("f", "Shop".into()),
        ])
    );
}
