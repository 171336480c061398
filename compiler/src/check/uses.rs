//! What a file uses of other packages.

use ordain_grammar::ast::{Item, Name, Use};
use ordain_grammar::suggest::nearest;
use ordain_ir::{Diagnostic, codes};

use super::{Checker, declare};
use crate::resolve::{Lens, Used};

impl Checker<'_> {
    /// Checks every `use`.
    pub(super) fn uses(&mut self) {
        let known = &self.view.origin().table(self.db).uses;
        let written = self.file.items.iter().filter_map(|item| match item {
            Item::Use(it) => Some(it),
            _ => None,
        });
        for (it, (used, taken)) in written.zip(known) {
            if it.path.text.is_empty() {
                continue;
            }
            if *used == Used::Nothing {
                let error = self.useless(it);
                self.report(error);
            } else if let Some(alias) = it.alias.as_ref().filter(|_| *taken) {
                let error = self.taken(alias);
                self.report(error);
            }
        }
    }

    /// A `use` that brings nothing.
    fn useless(&self, it: &Use) -> Diagnostic {
        let lens = Lens::of(self.db, self.view.origin());
        let names = lens.names();
        let (path, span) = (it.path.text.as_str(), it.path.span);
        if it.all {
            let error = self.error(codes::UNKNOWN_PACKAGE, span, format!("unknown package `{path}`"));
            return match nearest(path, names.package_names()) {
                Some(near) => {
                    error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
                }
                None => error.help("packages are named by the `package` lines of the workspace's files"),
            };
        }
        if let Some(private) = lens.private_path(path) {
            return self.private_name(path, span, &private);
        }
        if names.has_package(path) {
            let error = self.error(codes::WRONG_KIND, span, format!("`{path}` is a package"));
            return error
                .help("use everything in it with `.*`, one thing in it by name, or give it a short name with `as`")
                .fix(format!("write `{path}.*`"), format!("{path}.*"));
        }
        // The package that fits longest, to look for the name in it.
        let Some((package, name)) = names.splits(path).next() else {
            let message = format!("no package is known for `{path}`");
            let error = self.error(codes::UNKNOWN_PACKAGE, span, message);
            let packages = names.package_names();
            return match nearest(path, packages) {
                Some(near) => {
                    error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
                }
                None => error.help("write `use package.name` or `use package.*`"),
            };
        };
        let message = format!("package `{package}` declares no `{name}`");
        let error = self.error(codes::UNKNOWN_NAME, span, message);
        let offered = lens.offered(package);
        match nearest(name, offered.iter().map(String::as_str)) {
            Some(near) => {
                let near = format!("{package}.{near}");
                error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
            }
            None => error,
        }
    }

    /// An alias that something else has already.
    fn taken(&self, alias: &Name) -> Diagnostic {
        let message = format!("`{}` stands for something else already", alias.text);
        let error = self.error(codes::DUPLICATE_NAME, alias.span, message);
        let own = self.file.items.iter().filter_map(declare::declared).find(|name| name.text == alias.text);
        let known = |it: &&Use| {
            let last = it.path.text.rsplit('.').next();
            let name = it.alias.as_ref().map_or(last, |alias| Some(alias.text.as_str()));
            !it.all && name == Some(alias.text.as_str()) && it.span.start < alias.span.start
        };
        let used = self.file.items.iter().filter_map(|item| match item {
            Item::Use(it) => Some(it),
            _ => None,
        });
        let first = own.map(|name| name.span).or_else(|| used.clone().find(known).map(|it| it.span));
        let error = match first {
            Some(span) => error.and_at(self.path, span, "first here"),
            None => error.note(format!("the package declares `{}` in another file", alias.text)),
        };
        error.help("take another name behind `as`")
    }
}
