//! The authenticator apps that the wizard names; any other works as well.

/// An app, as somebody chose it. It changes what the next page explains, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AppChoice {
    Google,
    Microsoft,
    Authy,
    Other,
}

impl AppChoice {
    pub(super) const ALL: [AppChoice; 4] = [Self::Google, Self::Microsoft, Self::Authy, Self::Other];

    /// The app of this name; what nobody offered is another app.
    pub(super) fn of_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|app| app.name() == name).unwrap_or(Self::Other)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Microsoft => "microsoft",
            Self::Authy => "authy",
            Self::Other => "other",
        }
    }

    /// Key of its title.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Google => "set-up-app-google",
            Self::Microsoft => "set-up-app-microsoft",
            Self::Authy => "set-up-app-authy",
            Self::Other => "set-up-app-other",
        }
    }

    /// Key of where to get it.
    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Google => "set-up-app-google-help",
            Self::Microsoft => "set-up-app-microsoft-help",
            Self::Authy => "set-up-app-authy-help",
            Self::Other => "set-up-app-other-help",
        }
    }

    /// Key of how to scan with it.
    pub(super) fn scan(self) -> &'static str {
        match self {
            Self::Google => "set-up-scan-google",
            Self::Microsoft => "set-up-scan-microsoft",
            Self::Authy => "set-up-scan-authy",
            Self::Other => "set-up-scan-other",
        }
    }
}
