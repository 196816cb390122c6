//! Mail: what members and admins are told, how it is written, and how it leaves.
//!
//! A cause puts a [`kind`] into the [`outbox`]; the [`mailer`] takes it out, writes the [`letter`] and sends it.

pub mod announcements;
pub mod freeze;
pub mod kind;
pub mod letter;
pub mod list;
pub mod mailer;
pub mod outbox;
pub mod reminders;
pub mod sending;
pub mod smtp;
