//! What client and server agree on at the start.

use ordain_ide::Encoding;

use crate::transport::types::{
    ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability, DiagnosticOptions,
    DiagnosticServerCapabilities, HoverProviderCapability, MarkupKind, OneOf, PositionEncodingKind,
    SaveOptions, ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkDoneProgressOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

/// What the client can do, as far as it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Features {
    /// How columns are counted.
    pub(crate) encoding: Encoding,
    /// The client asks for the diagnostics of the documents it has open, and can be told to ask again.
    ///
    /// A client that can't be told to ask again would keep what it has of one file while an edit of another
    /// changes it, so it gets its diagnostics pushed. Files that aren't open are pushed to every client.
    pub(crate) pull: bool,
    /// Diagnostics may point at other places.
    pub(crate) related_information: bool,
    /// The client reports changes of files that we name.
    pub(crate) watch: bool,
    /// Hovers may be in Markdown.
    pub(crate) markdown: bool,
}

impl Features {
    /// Reads them off what the client says of itself.
    pub(crate) fn of(client: &ClientCapabilities) -> Self {
        let document = client.text_document.as_ref();
        let workspace = client.workspace.as_ref();
        let publish = document.and_then(|d| d.publish_diagnostics.as_ref());
        let pulls = document.and_then(|d| d.diagnostic.as_ref());
        let refreshes = workspace.and_then(|w| w.diagnostics.as_ref()).and_then(|d| d.refresh_support);
        let related =
            [publish.and_then(|p| p.related_information), pulls.and_then(|p| p.related_information)];
        let formats = document.and_then(|d| d.hover.as_ref()).and_then(|h| h.content_format.as_ref());
        Self {
            encoding: encoding(client),
            pull: pulls.is_some() && refreshes == Some(true),
            related_information: related.contains(&Some(true)),
            watch: workspace
                .and_then(|w| w.did_change_watched_files.as_ref())
                .and_then(|w| w.dynamic_registration)
                .unwrap_or(false),
            markdown: formats.is_some_and(|formats| formats.contains(&MarkupKind::Markdown)),
        }
    }

    /// What the server offers this client.
    pub(crate) fn server_capabilities(self) -> ServerCapabilities {
        let pull = DiagnosticOptions {
            identifier: Some("ordain".to_owned()),
            inter_file_dependencies: true,
            // What isn't open is pushed; a client that pulled it too would show it twice.
            workspace_diagnostics: false,
            work_done_progress_options: WorkDoneProgressOptions::default(),
        };
        ServerCapabilities {
            position_encoding: Some(match self.encoding {
                Encoding::Utf8 => PositionEncodingKind::UTF8,
                Encoding::Utf16 => PositionEncodingKind::UTF16,
                Encoding::Utf32 => PositionEncodingKind::UTF32,
            }),
            text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::INCREMENTAL),
                save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions {
                    include_text: Some(false),
                })),
                ..TextDocumentSyncOptions::default()
            })),
            hover_provider: Some(HoverProviderCapability::Simple(true)),
            definition_provider: Some(OneOf::Left(true)),
            document_formatting_provider: Some(OneOf::Left(true)),
            code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
                code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, CodeActionKind::SOURCE_FIX_ALL]),
                ..CodeActionOptions::default()
            })),
            diagnostic_provider: self.pull.then_some(DiagnosticServerCapabilities::Options(pull)),
            workspace: Some(WorkspaceServerCapabilities {
                workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                    supported: Some(true),
                    change_notifications: Some(OneOf::Left(true)),
                }),
                ..WorkspaceServerCapabilities::default()
            }),
            ..ServerCapabilities::default()
        }
    }
}

/// UTF-8 if the client offers it, else the first that it offers and we know, else the protocol's default.
fn encoding(client: &ClientCapabilities) -> Encoding {
    let offered = client.general.as_ref().and_then(|general| general.position_encodings.as_deref());
    let known = |kind: &PositionEncodingKind| match kind.as_str() {
        "utf-8" => Some(Encoding::Utf8),
        "utf-16" => Some(Encoding::Utf16),
        "utf-32" => Some(Encoding::Utf32),
        _ => None,
    };
    let offered: Vec<_> = offered.unwrap_or_default().iter().filter_map(known).collect();
    if offered.contains(&Encoding::Utf8) {
        Encoding::Utf8
    } else {
        offered.first().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(client: serde_json::Value) -> Features {
        Features::of(&serde_json::from_value(client).unwrap())
    }

    #[test]
    fn encodings() {
        let encoding = |offered: serde_json::Value| {
            features(serde_json::json!({ "general": { "positionEncodings": offered } })).encoding
        };
        assert_eq!(encoding(serde_json::json!(["utf-16", "utf-8"])), Encoding::Utf8);
        assert_eq!(encoding(serde_json::json!(["ebcdic", "utf-32", "utf-16"])), Encoding::Utf32);
        assert_eq!(encoding(serde_json::json!(["ebcdic"])), Encoding::Utf16);
        assert_eq!(features(serde_json::json!({})).encoding, Encoding::Utf16);
    }

    #[test]
    fn who_pulls_and_who_is_pushed() {
        let pulls = serde_json::json!({ "textDocument": { "diagnostic": {} } });
        assert!(!features(pulls).pull, "it can't be told to ask again");
        let both = serde_json::json!({
            "textDocument": { "diagnostic": {} },
            "workspace": { "diagnostics": { "refreshSupport": true } },
        });
        assert!(features(both.clone()).pull);
        assert!(features(both).server_capabilities().diagnostic_provider.is_some());
        assert!(features(serde_json::json!({})).server_capabilities().diagnostic_provider.is_none());
    }
}
