//! The forms of the suite's files, for editors and for programs that read or write some.

use crate::proforma::{Ics, Ixit};
use crate::report::Report;
use crate::waivers::Waivers;
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Where OpenAPI has its schemas, and where JSON Schema has them.
const IN_OPENAPI: &str = "#/components/schemas/";
const IN_SCHEMA: &str = "#/$defs/";

/// A file of the suite that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// `report.json`
    Report,
    /// What `--ics` takes.
    Ics,
    /// What `--ixit` takes.
    Ixit,
    /// What `--waivers` takes.
    Waivers,
}

impl File {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Report, Self::Ics, Self::Ixit, Self::Waivers];

    /// What its schema is called, before `.schema.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Ics => "ics",
            Self::Ixit => "ixit",
            Self::Waivers => "waivers",
        }
    }

    /// Its JSON Schema (2020-12), made from the types that read it.
    #[must_use]
    pub fn schema(self) -> String {
        match self {
            Self::Report => schema::<Report>("Report of a tillcard-conform run"),
            Self::Ics => schema::<Ics>("What a card's maker says that it can do"),
            Self::Ixit => schema::<Ixit>("How a card is tested in a laboratory"),
            Self::Waivers => schema::<Waivers>("Divergences that are put up with"),
        }
    }
}

fn schema<T: ToSchema>(title: &str) -> String {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    let parts: BTreeMap<_, _> = parts.into_iter().collect();
    let mut schema = json!(T::schema());
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!(title);
    schema["$defs"] = json!(parts);
    format!("{schema:#}\n").replace(IN_OPENAPI, IN_SCHEMA)
}
