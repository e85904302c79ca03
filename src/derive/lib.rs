//! The macros of fde-infra. They only save a second spelling of a name; none decides anything.
//!
//! - [`macro@PropertyTable`] makes the properties of a resource type from the struct of its inputs, [`macro@OutputTable`] the
//!   list of its outputs.
//! - [`operations!`] gives every request builder of a service the name of its operation.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, Ident, Lit, LitStr, Meta, Token,
    parse_macro_input,
};

/// Makes the properties of a resource type from the struct of its inputs.
///
/// Each field is a property. `#[property(…)]` on it lists methods of `Property`, in the order in which they are called:
///
/// ```text
/// #[derive(PropertyTable)]
/// #[serde(rename_all = "camelCase")]
/// pub struct Inputs {
///     #[property(default("/"), replaces, text(document::PATH))]
///     pub path: String,
/// }
/// ```
///
/// stands for `Property::new("path").default("/").replaces().text(document::PATH)`. The name of the property is also the
/// constant `Inputs::PATH`.
#[proc_macro_derive(PropertyTable, attributes(property))]
pub fn property_table(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    table(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

fn table(input: &DeriveInput) -> syn::Result<Tokens> {
    let name = &input.ident;
    let mut constants = Vec::new();
    let mut properties = Vec::new();
    for (field, ident) in named_fields(input)? {
        let constant = format_ident!(
            "{}",
            ident.to_string().trim_start_matches("r#").to_uppercase()
        );
        let property = property_name(field, ident)?;
        let doc = format!("The name of the property `{property}`.");
        constants.push(quote! {
            #[doc = #doc]
            pub const #constant: &'static str = #property;
        });
        let methods = methods(field)?;
        properties.push(quote! { crate::resource::Property::new(Self::#constant) #(.#methods)* });
    }
    Ok(quote! {
        #[allow(dead_code, reason = "not every property is named elsewhere")]
        impl #name { #(#constants)* }

        impl crate::resource::PropertyTable for #name {
            fn properties() -> Vec<crate::resource::Property> {
                vec![#(#properties),*]
            }
        }
    })
}

/// Makes the list of the outputs of a resource type from their struct, each with its doc comment. `#[output(internal)]` on a
/// field leaves it out.
#[proc_macro_derive(OutputTable, attributes(output))]
pub fn output_table(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    outputs(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

fn outputs(input: &DeriveInput) -> syn::Result<Tokens> {
    let name = &input.ident;
    let mut names = Vec::new();
    let mut descriptions = Vec::new();
    for (field, ident) in named_fields(input)? {
        if !is_internal(field)? {
            names.push(property_name(field, ident)?);
            descriptions.push(doc_comment(field));
        }
    }
    Ok(quote! {
        impl crate::resource::OutputTable for #name {
            const NAMES: &'static [&'static str] = &[#(#names),*];
            const DESCRIPTIONS: &'static [&'static str] = &[#(#descriptions),*];
        }
    })
}

/// The doc comment of a field, on one line.
fn doc_comment(field: &Field) -> String {
    let lines = field.attrs.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) if pair.path.is_ident("doc") => Some(text.value().trim().to_owned()),
            _ => None,
        }
    });
    lines.collect::<Vec<_>>().join(" ")
}

fn is_internal(field: &Field) -> syn::Result<bool> {
    let mut internal = false;
    for attribute in &field.attrs {
        if attribute.path().is_ident("output") {
            attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident("internal") {
                    return Err(meta.error("`internal` is all that an output can be"));
                }
                internal = true;
                Ok(())
            })?;
        }
    }
    Ok(internal)
}

fn named_fields(input: &DeriveInput) -> syn::Result<Vec<(&Field, &Ident)>> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(input, "only a struct has properties"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(input, "properties have names"));
    };
    let named = fields.named.iter();
    Ok(named
        .filter_map(|field| Some((field, field.ident.as_ref()?)))
        .collect())
}

/// The methods that a field's attribute lists, as calls.
fn methods(field: &Field) -> syn::Result<Vec<Tokens>> {
    let mut calls = Vec::new();
    for attribute in &field.attrs {
        if !attribute.path().is_ident("property") {
            continue;
        }
        for method in attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)? {
            calls.push(match method {
                Meta::Path(path) => quote! { #path() },
                Meta::List(list) => {
                    let (path, arguments) = (list.path, list.tokens);
                    quote! { #path(#arguments) }
                }
                Meta::NameValue(pair) => {
                    return Err(Error::new_spanned(pair, "write `name(value)`"));
                }
            });
        }
    }
    Ok(calls)
}

/// The name of a field's property: what serde calls the field.
fn property_name(field: &Field, ident: &Ident) -> syn::Result<String> {
    let mut renamed = None;
    for attribute in &field.attrs {
        if attribute.path().is_ident("serde") {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    renamed = Some(meta.value()?.parse::<LitStr>()?.value());
                } else if meta.input.peek(Token![=]) {
                    meta.value()?.parse::<LitStr>()?;
                }
                Ok(())
            })?;
        }
    }
    Ok(renamed.unwrap_or_else(|| camel_case(ident.to_string().trim_start_matches("r#"))))
}

fn pascal_case(snake: &str) -> String {
    let camel = camel_case(snake);
    camel[..1].to_ascii_uppercase() + &camel[1..]
}

fn camel_case(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    let mut upper = false;
    for letter in snake.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                camel.push(letter.to_ascii_uppercase());
                upper = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}

/// Gives every request builder of a service the name of its operation, so that no call has to say it.
///
/// ```text
/// operations! { aws_sdk_iam, "iam": CreateRole, DeleteRole }
/// ```
///
/// implements `aws::request::Request` for the builders that `Client::create_role` and `Client::delete_role` of that crate
/// return, with the operations `iam:CreateRole` and `iam:DeleteRole`.
#[proc_macro]
pub fn operations(input: TokenStream) -> TokenStream {
    let service = parse_macro_input!(input as Service);
    let sdk = &service.sdk;
    let requests = service.operations.iter().map(|operation| {
        let snake = snake_case(&operation.to_string());
        let module = format_ident!("{snake}");
        let builder = format_ident!("{operation}FluentBuilder");
        // `CreateDBInstance` answers with a `CreateDbInstanceOutput`.
        let output = format_ident!("{}Output", pascal_case(&snake));
        let error = format_ident!("{operation}Error");
        let name = format!("{}:{operation}", service.prefix.value());
        quote! {
            impl crate::aws::request::Request for #sdk::operation::#module::builders::#builder {
                const OPERATION: &'static str = #name;
                type Output = #sdk::operation::#module::#output;
                type Error = #sdk::operation::#module::#error;

                fn send(self) -> impl Future<
                    Output = crate::aws::request::Answer<Self::Output, Self::Error>,
                > + Send {
                    Self::send(self)
                }
            }
        }
    });
    quote! { #(#requests)* }.into()
}

/// The operations of one service: the crate of its SDK, the prefix of its actions, and the names.
struct Service {
    sdk: Ident,
    prefix: LitStr,
    operations: Punctuated<Ident, Token![,]>,
}

impl Parse for Service {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let sdk = input.parse()?;
        input.parse::<Token![,]>()?;
        let prefix = input.parse()?;
        input.parse::<Token![:]>()?;
        let operations = Punctuated::parse_terminated(input)?;
        Ok(Self {
            sdk,
            prefix,
            operations,
        })
    }
}

/// The module of an operation: `CreateDBInstance` is in `create_db_instance`.
fn snake_case(operation: &str) -> String {
    let letters: Vec<char> = operation.chars().collect();
    let mut snake = String::with_capacity(operation.len() + 8);
    for (at, letter) in letters.iter().enumerate() {
        let follows_lower = at > 0 && !letters[at - 1].is_ascii_uppercase();
        let begins_word = at > 0 && letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (follows_lower || begins_word) && at > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
