//! Every operation, tried by the wrong people.
