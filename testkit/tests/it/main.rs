//! Tests of the workspace as a whole.

mod clauses;
mod sources;
mod walls;
