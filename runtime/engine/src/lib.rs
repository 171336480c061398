//! The decision function over a bundle: pure, no I/O, embeddable
