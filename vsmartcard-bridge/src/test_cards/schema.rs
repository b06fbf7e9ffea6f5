//! The form of a scenario, for editors and for programs that write some.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::{PartialSchema, ToSchema};

use super::Scenario;

/// Where OpenAPI has its schemas, and where JSON Schema has them.
const IN_OPENAPI: &str = "#/components/schemas/";
const IN_SCHEMA: &str = "#/$defs/";

/// The JSON Schema (2020-12) of a scenario's file, made from the types that read it.
#[must_use]
pub fn scenario_schema() -> String {
    let mut parts = Vec::new();
    Scenario::schemas(&mut parts);
    let parts: BTreeMap<_, _> = parts.into_iter().collect();
    let mut schema = json!(Scenario::schema());
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("A test card of tillcard-emu");
    schema["$defs"] = json!(parts);
    format!("{schema:#}").replace(IN_OPENAPI, IN_SCHEMA)
}
