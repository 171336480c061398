//! cvc5 in this process, through its C interface: no pipe and no second process between it and Cedar, so that the time
//! that it takes is only its own.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};

use cedar_policy_symcc::SmtLibScript as _;
use cedar_policy_symcc::solver::{Decision, DecisionWithModel, Solver, SolverError};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use tokio::io::AsyncWrite;

/// What one script may take, in milliseconds on the wall: Cedar's own default.
const PATIENCE: &CStr = c"60000";

type Pointer = *mut c_void;
type Text = *const c_char;

/// A solver that answers scripts, each from nothing.
pub struct Cvc5 {
    script: Vec<u8>,
    functions: Functions,
}

/// The functions of the library that are used, by their names there without `cvc5_`.
#[derive(Clone, Copy)]
struct Functions {
    term_manager_new: unsafe extern "C" fn() -> Pointer,
    term_manager_delete: unsafe extern "C" fn(Pointer),
    new: unsafe extern "C" fn(Pointer) -> Pointer,
    delete: unsafe extern "C" fn(Pointer),
    set_option: unsafe extern "C" fn(Pointer, Text, Text),
    parser_new: unsafe extern "C" fn(Pointer, Pointer) -> Pointer,
    parser_delete: unsafe extern "C" fn(Pointer),
    parser_get_sm: unsafe extern "C" fn(Pointer) -> Pointer,
    parser_set_str_input: unsafe extern "C" fn(Pointer, c_int, Text, Text),
    parser_next_command: unsafe extern "C" fn(Pointer, *mut Text) -> Pointer,
    cmd_invoke: unsafe extern "C" fn(Pointer, Pointer, Pointer) -> Text,
}

impl Cvc5 {
    /// Loads the one that `cargo xtask setup` has placed. It stays loaded.
    ///
    /// # Panics
    /// If it isn't there or isn't what it should be.
    pub fn load() -> Self {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../third_party/cvc5"));
        let open = |start: &str| {
            let files = std::fs::read_dir(folder).unwrap_or_else(|_| {
                panic!("cvc5 is not in `{}`: run `cargo xtask setup`, which fetches it", folder.display())
            });
            let file = files
                .flatten()
                .map(|file| file.path())
                .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)))
                .unwrap_or_else(|| panic!("`{}` has no `{start}…`", folder.display()));
            // SAFETY: the library runs nothing but the set-up of its own data when it is loaded.
            unsafe { Library::open(Some(file), RTLD_NOW | RTLD_GLOBAL) }.expect("the library can be loaded")
        };
        // Those that others need come first.
        let needed = ["libgmp-", "libmpfr-", "libpoly-", "libpolyxx-"].map(open);
        let (solver, parser) = (open("libcvc5-"), open("libcvc5parser-"));
        macro_rules! function {
            ($library:ident, $name:literal) => {
                // SAFETY: the type is that of the function in the library's header of this version.
                *unsafe { $library.get($name) }.expect("cvc5 has this function")
            };
        }
        let functions = Functions {
            term_manager_new: function!(solver, b"cvc5_term_manager_new\0"),
            term_manager_delete: function!(solver, b"cvc5_term_manager_delete\0"),
            new: function!(solver, b"cvc5_new\0"),
            delete: function!(solver, b"cvc5_delete\0"),
            set_option: function!(solver, b"cvc5_set_option\0"),
            parser_new: function!(parser, b"cvc5_parser_new\0"),
            parser_delete: function!(parser, b"cvc5_parser_delete\0"),
            parser_get_sm: function!(parser, b"cvc5_parser_get_sm\0"),
            parser_set_str_input: function!(parser, b"cvc5_parser_set_str_input\0"),
            parser_next_command: function!(parser, b"cvc5_parser_next_command\0"),
            cmd_invoke: function!(parser, b"cvc5_cmd_invoke\0"),
        };
        // Never unloaded, so the functions stay where they are.
        std::mem::forget((needed, solver, parser));
        Self { script: vec![], functions }
    }

    /// What each command of the script prints, if anything; nothing more once one prints something other than `sat`.
    fn run(&mut self) -> Result<Vec<String>, SolverError> {
        let script = CString::new(std::mem::take(&mut self.script))
            .map_err(|_| SolverError::Solver("a script with a zero byte".into()))?;
        let it = &self.functions;
        let mut printed = vec![];
        // SAFETY: every pointer comes from the library's function that makes such things and goes to those that take
        // them, in the order that its manual asks for, on one thread; texts end with a zero byte and outlive the calls.
        unsafe {
            let manager = (it.term_manager_new)();
            let solver = (it.new)(manager);
            (it.set_option)(solver, c"tlimit-per".as_ptr(), PATIENCE.as_ptr());
            let parser = (it.parser_new)(solver, null_mut());
            (it.parser_set_str_input)(parser, 0, script.as_ptr(), c"script".as_ptr());
            loop {
                let mut error: Text = null();
                let command = (it.parser_next_command)(parser, &raw mut error);
                if !error.is_null() {
                    printed.push(CStr::from_ptr(error).to_string_lossy().into_owned());
                    break;
                }
                if command.is_null() {
                    break;
                }
                let said = (it.cmd_invoke)(command, solver, (it.parser_get_sm)(parser));
                let said = CStr::from_ptr(said).to_string_lossy().trim().to_owned();
                if said.is_empty() {
                    continue;
                }
                let last = said != "sat";
                printed.push(said);
                if last {
                    break;
                }
            }
            (it.parser_delete)(parser);
            (it.delete)(solver);
            (it.term_manager_delete)(manager);
        }
        Ok(printed)
    }
}

impl Solver for Cvc5 {
    fn smtlib_input(&mut self) -> &mut (dyn AsyncWrite + Unpin + Send) {
        &mut self.script
    }

    async fn enable_models(&mut self) -> Result<(), SolverError> {
        self.smtlib_input().set_option("produce-models", "true").await.map_err(Into::into)
    }

    async fn check_sat(&mut self) -> Result<Decision, SolverError> {
        self.smtlib_input().check_sat().await?;
        match self.run()?.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["sat"] => Ok(Decision::Sat),
            ["unsat"] => Ok(Decision::Unsat),
            ["unknown"] => Ok(Decision::Unknown),
            ref other => Err(SolverError::UnrecognizedSolverOutput(other.join("\n"))),
        }
    }

    async fn check_sat_with_model(&mut self) -> Result<DecisionWithModel, SolverError> {
        self.smtlib_input().check_sat().await?;
        self.smtlib_input().get_model().await?;
        match self.run()?.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["sat", model] => Ok(DecisionWithModel::Sat { model: model.to_owned() }),
            ["unsat"] => Ok(DecisionWithModel::Unsat),
            ["unknown"] => Ok(DecisionWithModel::Unknown),
            ref other => Err(SolverError::UnrecognizedSolverOutput(other.join("\n"))),
        }
    }
}
