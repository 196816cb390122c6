//! The portal: policy, members, devices, codes, files, audit.
//!
//! One file per resource holds its rules, its queries and its routes; [`access`] stands before every route; [`store`]
//! alone knows the database. [`app`] puts the router together, [`cli`] is the command line.

pub mod access;
mod act;
pub mod app;
mod applications;
mod audit;
mod caller;
mod caller_facts;
pub mod cli;
mod client_address;
pub mod clock;
mod compliance;
pub mod config;
mod declared;
mod desktop;
mod devices;
mod enrollments;
mod exceptions;
mod extract;
mod files;
mod first_run;
pub mod health;
mod host;
mod identity;
pub mod key_wrap;
mod mail;
mod members;
mod nonce;
mod open_sessions;
mod organisations;
mod own_devices;
mod page;
mod password;
mod pin_set_up;
mod pins;
mod policy;
mod policy_keys;
pub mod portal;
mod preferences;
mod problem;
mod proposals;
mod recovery;
mod recovery_code;
mod renewal;
mod rescued;
mod resets;
mod restored;
mod sessions;
mod share;
mod sso;
mod standing;
pub mod store;
mod throttle;
mod two_step;
mod words;
