//! Texts that are meant to exhaust the compiler: the whole way, on the small stack of a server's thread.

use ordain_compiler::{Compiled, compile_str};

/// Compiles on a thread with the stack that servers give theirs, and drops the database there.
fn compile(text: String) -> Compiled {
    let run = move || compile_str(&[("a.ordain", &text)]);
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread").join().expect("no panic")
}

#[test]
fn open_brackets_are_one_error() {
    for open in ["(", "{", "["] {
        let compiled = compile(format!(
            "rule x {{\n  type safety\n  enforce block\n  scope global\n  when {}\n}}\nrule y {{ type safety enforce block scope global }}\n",
            open.repeat(100_000)
        ));
        let codes: Vec<_> = compiled.diagnostics.iter().map(|it| it.code.as_str()).collect();
        assert!(matches!(codes.as_slice(), [code] if code.starts_with("ORD01")), "{open} {codes:?}");
        assert_eq!(compiled.policies.rules.len(), 1);
    }
}

#[test]
fn long_chains_are_no_deep_trees() {
    let rule = |condition: &str| {
        compile(format!(
            "fact f : bool\nfact n : int in 0..9\nrule x {{ type safety enforce block scope global when {condition} }}\n"
        ))
    };
    for (part, last) in [("f and ", "f"), ("f or ", "f"), ("not ", "f"), ("n + ", "n > 5"), ("2 * ", "n > 5")]
    {
        // Few enough to be allowed, and far too many.
        assert_eq!(rule(&format!("{}{last}", part.repeat(40))).diagnostics, [], "{part}");
        let many = rule(&format!("{}{last}", part.repeat(20_000)));
        assert!(many.diagnostics.len() <= 1, "{part} {:?}", many.diagnostics.len());
    }
    let lets: String =
        (0..5_000).map(|n| format!("let l{n} = l{} or f\n", n + 1)).fold(String::new(), |all, it| all + &it);
    let chain = compile(format!("fact f : bool\n{lets}let l5000 = f\n"));
    let codes: std::collections::BTreeSet<_> = chain.diagnostics.iter().map(|it| it.code.as_str()).collect();
    assert!(codes.iter().all(|code| *code == "ORD0218"), "{codes:?}");
}
