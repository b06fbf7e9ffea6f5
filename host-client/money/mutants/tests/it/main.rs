//! The money model finds each fault that the programs once had.

mod found;
