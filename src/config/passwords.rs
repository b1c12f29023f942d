//! Which of Django's rules for a new password hold.

use std::str::FromStr;

/// A rule for a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordRule {
    /// It is not like a name or the e-mail of its account.
    Similarity,
    /// It has 8 characters at least.
    Length,
    /// It is not one of the passwords that many people use.
    Common,
    /// It does not consist of digits alone.
    Numeric,
}

impl PasswordRule {
    /// Every rule, as Django's new projects have them.
    pub const ALL: [Self; 4] = [Self::Similarity, Self::Length, Self::Common, Self::Numeric];

    const fn name(self) -> &'static str {
        match self {
            Self::Similarity => "similarity",
            Self::Length => "length",
            Self::Common => "common",
            Self::Numeric => "numeric",
        }
    }

    const fn django_class(self) -> &'static str {
        match self {
            Self::Similarity => "UserAttributeSimilarityValidator",
            Self::Length => "MinimumLengthValidator",
            Self::Common => "CommonPasswordValidator",
            Self::Numeric => "NumericPasswordValidator",
        }
    }

    /// The names of all rules, for a message.
    pub(super) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl FromStr for PasswordRule {
    type Err = ();

    /// By its name, or by that of Django's class.
    fn from_str(name: &str) -> Result<Self, ()> {
        let class = name.strip_prefix("django.contrib.auth.password_validation.");
        let mut rules = Self::ALL.into_iter();
        rules.find(|rule| name == rule.name() || class == Some(rule.django_class())).ok_or(())
    }
}
