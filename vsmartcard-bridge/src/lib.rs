//! Shows Tillcards in a PC/SC reader through vpcd.
