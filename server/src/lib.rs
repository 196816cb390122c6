//! The portal: policy, members, devices, codes, files, audit.

pub mod store;
