//! The conformance suite for Tillcards.
