//! Tests of the workspace as a whole.

mod sources;
mod walls;
